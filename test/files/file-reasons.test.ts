import { describe, expect, it } from 'vitest';
import { howToWrite, whyNotRead, whyNotWritten } from '../../src/files/file-reasons.ts';
import { newWorld } from '../cli/context.ts';

const failed = (code: string): Error => Object.assign(new Error(`${code}: open 'x'`), { code });

describe('Why a file cannot be used', () => {
  it.each([
    ['EROFS', 'the file system is read-only', null],
    ['EACCES', 'permission denied', 'mend the permissions of the folder'],
    ['ENOSPC', 'the disk is full', 'free some space on the disk'],
    ['ENOENT', 'its folder does not exist', null],
  ])('is said in words: %s', (code, why, mend) => {
    expect([whyNotWritten(failed(code)), howToWrite(failed(code))]).toEqual([why, mend]);
  });

  it('is another reason where it is read', () => {
    expect(whyNotRead(failed('ENOENT'))).toBe('there is no such file');
  });

  it('is the code where nobody has words for it, and the message where there is no code', () => {
    expect([whyNotRead(failed('EXOTIC')), whyNotRead(new Error('it has no end'))]).toEqual(['EXOTIC', 'it has no end']);
  });
});

describe('A plan file that is not there', () => {
  it('is named in words, with how to make one', async () => {
    const world = newWorld();
    expect(await world.llmops('apply', 'nope.plan')).toBe(1);
    expect(world.stderr.text).toContain('The plan file nope.plan cannot be read: there is no such file.');
    expect(world.stderr.text).not.toContain('--target');
  });

  it('may have been meant for a model', async () => {
    const world = newWorld();
    expect(await world.llmops('apply', 'chat')).toBe(1);
    expect(world.stderr.text).toContain('One model alone: `llmops apply --target chat`.');
  });
});
