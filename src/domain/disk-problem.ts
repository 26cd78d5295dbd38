import { isOutOfFiles, ProblemError, problemOf } from './problem.ts';

/**
 * What the system says of a file or a disk that refuses, as the end of a sentence; what to do about it there, if anything; and
 * whether another folder helps. Codes: errno(3).
 */
const REFUSALS: Readonly<Record<string, readonly [reason: string, fix: string | null, elsewhere: boolean]>> = {
  ENOSPC: ['the disk is full', 'Free some space', false],
  EDQUOT: ['the disk quota is used up', 'Free some space', false],
  EFBIG: ['the file may not grow any further', 'Raise the limit on file sizes (ulimit -f)', false],
  EIO: ['the disk reports a fault', 'See what the kernel says of the disk (dmesg)', false],
  EMFILE: ['too many files are open', 'Raise the limit on open files (ulimit -n)', false],
  EROFS: ['the file system is read-only', 'Mount it writable', true],
  EACCES: ['permission denied', 'Mend the permissions', true],
  EPERM: ['permission denied', 'Mend the permissions', true],
  ENOENT: ['it is not there, and cannot be made there', null, true],
  ELOOP: ['links lead in a circle', null, true],
  ENAMETOOLONG: ['the name is too long', null, true],
  ENOTDIR: ['a part of the path is not a folder', null, true],
  EISDIR: ['it is a folder', null, true],
  EEXIST: ['a file stands where a folder belongs', null, true],
};

/** Why the system refused, as the end of a sentence; what has no words is told by its code. */
export function refusalReason(error: unknown): string {
  const code = codeOf(error) ?? String(error);
  return REFUSALS[code]?.[0] ?? code;
}

/** What to do about it, as the start of a sentence. `elsewhere`: how people name another folder: `--state-dir`. */
export function refusalFix(error: unknown, elsewhere: string): string {
  const [, fix, helps] = REFUSALS[codeOf(error) ?? ''] ?? [null, 'See that the disk is well', false];
  const other = `another folder with ${elsewhere}`;
  if (fix === null) return `Name ${other}`;
  return helps ? `${fix}, or name ${other}` : fix;
}

/** A disk that takes no more, now or at all: none of the mistakes that a person makes with paths and permissions. */
const WEARY: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS']);

/** What a person can do about a disk that refused to hold state. */
export function diskError(path: string, error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isOutOfFiles(error)) return new ProblemError(problemOf(error), error);
  const fix = refusalFix(error, '--state-dir');
  return new ProblemError(
    {
      code: 'state-not-writable',
      summary: `llmops' state at ${path} cannot be used: ${refusalReason(error)}.`,
      fix: `${fix}, then run the command again: it goes on from what is there.`,
    },
    error,
  );
}

/** True if space is all that was missing. Takes what the system threw, or the {@link diskError} of it. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error instanceof ProblemError ? error.cause : error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** True if the disk takes no more bytes, whoever asks. Takes what the system threw, or the {@link diskError} of it. */
export function isWearyDisk(error: unknown): boolean {
  return WEARY.has(codeOf(error instanceof ProblemError ? error.cause : error) ?? '');
}

function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string } | null | undefined)?.code;
}
