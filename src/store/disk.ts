import { mkdir, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { refusalFix, refusalReason } from '../domain/disk-problem.ts';
import { ProblemError } from '../domain/problem.ts';
import { sizeText } from './words.ts';

/** Makes a folder that nobody else may look into, and those above it. Throws a ProblemError `weights-store-unusable`. */
export async function makeFolder(path: string): Promise<void> {
  await onDisk(path, async () => {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncFolder(dirname(path));
  });
}

/** A rename is durable only once its folder is: fsync(2). */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

/** Size of a regular file; null: there is none that can be seen. */
export async function sizeOf(path: string): Promise<number | null> {
  const facts = await stat(path).catch(() => null);
  return facts?.isFile() ? facts.size : null;
}

/** Bytes that this user may still write there. A folder that is not there yet has its parent's disk. */
export async function freeBytes(dir: string): Promise<number> {
  for (let path = dir; ; path = dirname(path)) {
    const facts = await statfs(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw diskProblem(path, error);
      return null;
    });
    if (facts) return facts.bavail * facts.bsize;
  }
}

/** Runs work on the store's own files, and gives its errors words. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskProblem(path, error);
  }
}

/** What a person can do about a disk that refused. */
export function diskProblem(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (error instanceof ProblemError || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return filledUp(path, code, error);
  return new ProblemError(
    {
      code: 'weights-store-unusable',
      summary: `The store of weights cannot use ${path}: ${refusalReason(error)}. What was fetched before is kept.`,
      fix: `${refusalFix(error, 'XDG_CACHE_HOME')}, then run the command again.`,
    },
    error,
  );
}

const PRUNE = '`llmops cache prune` removes what no stack needs any more; `llmops cache ls` shows what there is.';

function filledUp(path: string, code: string, error: unknown): ProblemError {
  const what = code === 'EDQUOT' ? 'The disk quota was used up' : 'The disk filled up';
  return new ProblemError(
    {
      code: 'disk-full',
      summary: `${what} while weights were written to ${path}. What was fetched so far is kept.`,
      fix: `Free some space, then run the command again: it goes on where it stopped. ${PRUNE}`,
    },
    error,
  );
}

interface Lack {
  readonly needed: number;
  readonly reserve: number;
  /** What other downloads of this run were promised. */
  readonly claimed: number;
  readonly free: number;
  /** What the store takes, in how many files. */
  readonly held: number;
  readonly files: number;
}

/** What is missing does not fit. Sizes in bytes. */
export function noRoom(dir: string, size: Lack): ProblemError {
  const claimed = size.claimed === 0 ? '' : `, of which downloads that are under way take ${sizeText(size.claimed)}`;
  const held =
    size.files === 0
      ? 'The store is empty, so that the room has to come from something else.'
      : `The store holds ${sizeText(size.held)} in ${size.files === 1 ? 'one file' : `${size.files} files`}: ${PRUNE}`;
  return new ProblemError({
    code: 'disk-full',
    summary:
      `The weights need ${sizeText(size.needed)} and a reserve of ${sizeText(size.reserve)}, and the disk of ${dir} has ` +
      `${sizeText(size.free)} free${claimed}. Nothing was fetched.`,
    fix: `Free ${sizeText(size.needed + size.reserve + size.claimed - size.free)} there, or set XDG_CACHE_HOME to a folder on another disk. ${held}`,
  });
}
