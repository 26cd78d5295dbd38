import { isOutOfFiles, ProblemError, problemOf } from './problem.ts';

/** What the system says of a disk that refuses, in words, and what to do about it. Codes: errno(3). */
const REASONS: Readonly<Record<string, readonly [reason: string, fix: string]>> = {
  ENOSPC: ['the disk is full', 'Free some space'],
  EDQUOT: ['the disk quota is used up', 'Free some space'],
  EFBIG: ['the file may not grow any further', 'Raise the limit on file sizes (ulimit -f)'],
  EIO: ['the disk reports a fault', 'See what the kernel says of the disk (dmesg)'],
  EROFS: ['the file system is read-only', 'Mount it writable, or name another folder with --state-dir'],
  EACCES: ['permission denied', 'Mend the permissions, or name another folder with --state-dir'],
  EPERM: ['permission denied', 'Mend the permissions, or name another folder with --state-dir'],
  ENOENT: ['it is not there, and cannot be made there', 'Name another folder with --state-dir'],
  ELOOP: ['links lead in a circle', 'Name another folder with --state-dir'],
  ENAMETOOLONG: ['the name is too long', 'Name another folder with --state-dir'],
  ENOTDIR: ['a part of the path is not a folder', 'Name another folder with --state-dir'],
  EEXIST: ['a file stands where a folder belongs', 'Name another folder with --state-dir'],
};

/** A disk that takes no more, now or at all: none of the mistakes that a person makes with paths and permissions. */
const WEARY: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS']);

/** What a person can do about a disk that refused to hold state. */
export function diskError(path: string, error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isOutOfFiles(error)) return new ProblemError(problemOf(error), error);
  const code = codeOf(error) ?? String(error);
  const [reason, fix] = REASONS[code] ?? [code, 'See that the disk is well'];
  return new ProblemError(
    {
      code: 'state-not-writable',
      summary: `llmops' state at ${path} cannot be used: ${reason}.`,
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
