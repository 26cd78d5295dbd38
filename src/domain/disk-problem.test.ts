import { describe, expect, it } from 'vitest';
import { refusalFix, refusalReason } from './disk-problem.ts';

const refused = (code: string): Error => Object.assign(new Error(code), { code });

describe('A file or a disk that refuses', () => {
  it.each([
    ['ENOSPC', 'the disk is full', 'Free some space'],
    ['EROFS', 'the file system is read-only', 'Mount it writable, or name another folder with --state-dir'],
    ['ENOTDIR', 'a part of the path is not a folder', 'Name another folder with --state-dir'],
    ['EXDEV', 'EXDEV', 'See that the disk is well'],
  ])('%s is told in words, and what to do about it', (code, reason, fix) => {
    expect([refusalReason(refused(code)), refusalFix(refused(code), '--state-dir')]).toEqual([reason, fix]);
  });
});
