import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '../../domain/desired.ts';
import { modelOf } from '../../../test/plan/stack.ts';
import { rivalsAmong } from './siblings.ts';

const model = (name: string, change: Partial<ModelSpec> = {}): ModelSpec => ({
  ...modelOf(name),
  source: { kind: 'ollama', host: 'registry.ollama.ai', name: 'library/qwen3', tag: '8b', written: 'ollama:qwen3:8b' },
  context: 512,
  ...change,
});

describe('Two models of the same weights on one server', () => {
  it('that load alike share a runner; so do those of other weights have one each', () => {
    expect(rivalsAmong([model('a'), model('b', { options: { system: 'Be short.' } })])).toEqual({});
    const other = { kind: 'file' as const, path: 'x.gguf', written: 'file:x.gguf' };
    expect(rivalsAmong([model('a'), model('b', { source: other, context: 256 })])).toEqual({});
  });

  it('that load otherwise and shall both always be in memory are both in the way', () => {
    expect(rivalsAmong([model('a'), model('b', { context: 256 })])).toEqual({ a: 'b', b: 'a' });
  });

  it('of which one is loaded on demand: that one is in the way of the other, and may be thrown out by it', () => {
    expect(rivalsAmong([model('a'), model('b', { context: 256, load: 'on-demand' })])).toEqual({ b: 'a' });
    const both = [model('a', { load: 'on-demand' }), model('b', { context: 256, load: 'on-demand' })];
    expect(rivalsAmong(both)).toEqual({});
  });
});
