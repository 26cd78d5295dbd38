import { readFile, realpath } from 'node:fs/promises';
import { ProblemError } from '../../domain/problem.ts';
import type { Lock } from '../../domain/weights.ts';
import { lockPathOf, type StackPaths } from '../../stack/paths.ts';
import { replaceFile } from '../replace-file.ts';
import { sha256 } from '../../stack/sha256.ts';
import { whyNotWritten } from '../../files/file-reasons.ts';

/**
 * Writes the lock beside the stack's file, unless the text that is there says it already; true if it was written. Whole or
 * not at all, with the permissions it had. `previous`: its text when it was read, null if there was no file. Throws a
 * ProblemError `lock-changed` if somebody else wrote it since, `file-not-writable` if it cannot be written.
 */
export async function writeLockFile({ file, shown }: StackPaths, previous: string | null, lock: Lock): Promise<boolean> {
  const { parseLock, writeLock } = await import('../../lock/index.ts');
  if (previous === null && Object.keys(lock.models).length === 0) return false; // a stack without models needs no lock
  const text = writeLock(previous, lock);
  if (text === previous) return false;
  const path = lockPathOf(file);
  const { problems } = parseLock(text, lockPathOf(shown), sha256);
  if (problems[0]) throw unreadable(lockPathOf(shown), problems[0].summary);
  const target = await realpath(path).catch(() => path); // a link stays one
  const now = await readFile(target).catch(() => null);
  if ((now === null ? null : new TextDecoder().decode(now)) !== previous) throw changed(lockPathOf(shown));
  await replaceFile(target, text).catch((error: unknown) => Promise.reject(notWritable(lockPathOf(shown), error)));
  return true;
}

/** What is too large, or holds what no YAML file may, would be refused by the next command. */
function unreadable(file: string, why: string): ProblemError {
  return new ProblemError({
    code: 'lock-unwritable',
    summary: `What was looked up cannot be kept in ${file}: ${why}. It was left as it was.`,
    fix: 'Split the stack, or leave the source out that this comes from.',
  });
}

function changed(file: string): ProblemError {
  return new ProblemError({
    code: 'lock-changed',
    summary: `${file} was changed by somebody else while sources were looked up. It was left as it is now.`,
    fix: 'Run the same command again.',
  });
}

function notWritable(file: string, error: unknown): ProblemError {
  const summary = `${file} cannot be written: ${whyNotWritten(error)}. It was left as it was.`;
  return new ProblemError({ code: 'file-not-writable', summary, fix: 'Mend that, then run the same command again.' }, error);
}
