import { describe, expect, it } from 'vitest';
import { compareText, nearest } from './text.ts';

const names = ['chat', 'embed', 'gpuLayers'];

describe('The name that was probably meant', () => {
  it.each([
    ['caht', 'chat'],
    ['CHAT', 'chat'],
    ['embde', 'embed'],
    ['gpu_layers', 'gpuLayers'],
    ['gpu-layer', 'gpuLayers'],
    ['chats', 'chat'],
  ])('%s means %s', (word, meant) => {
    expect(nearest(word, names)).toBe(meant);
    expect(nearest(word, new Set(names))).toBe(meant);
  });

  it('is none where too much differs, or the word is no slip of a key', () => {
    expect(nearest('cart', ['chat'])).toBeNull();
    expect(nearest('xyz', names)).toBeNull();
    expect(nearest('chat'.repeat(20), ['chat'.repeat(20)])).toBeNull();
  });

  it('is the first of those that are equally near', () => {
    expect(nearest('chab', ['chat', 'chap'])).toBe('chat');
  });
});

describe('The order of texts', () => {
  it('is by code unit, not by the language of the machine', () => {
    expect(['b', 'a', 'Z', 'ä'].sort(compareText)).toEqual(['Z', 'a', 'b', 'ä']);
    expect(compareText('a', 'a')).toBe(0);
  });
});
