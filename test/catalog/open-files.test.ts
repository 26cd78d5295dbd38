import { describe, expect, it } from 'vitest';
import { unreadable } from '../../src/catalog/digest.ts';
import { diskError } from '../../src/domain/disk-problem.ts';
import { isCircumstance, problemOf } from '../../src/domain/problem.ts';

const thrown = (code: string): Error => Object.assign(new Error(`${code}: x`), { code });
const file = { path: '/w.gguf', bytes: 1, identity: '1' };

describe('A process that may open no more files', () => {
  it.each(['EMFILE', 'ENFILE', 'ERR_INVALID_PACKAGE_CONFIG'])('is told so, and the file that was in turn is not blamed: %s', (code) => {
    const problems = [problemOf(thrown(code)), unreadable(file, thrown(code)).problem, diskError('/state', thrown(code)).problem];
    expect(problems.map((problem) => problem.code)).toEqual(['too-many-files', 'too-many-files', 'too-many-files']);
    expect(problems[0]?.fix).toContain('ulimit -n');
    expect(problems.every(isCircumstance)).toBe(true);
  });

  it('is no other trouble of a file', () => {
    expect(unreadable(file, thrown('EACCES')).problem.code).toBe('weights-unreadable');
    expect(diskError('/state', thrown('EACCES')).problem.code).toBe('state-not-writable');
  });
});
