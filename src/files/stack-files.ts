import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProblemError } from '../domain/problem.ts';
import { MOST_LOCK_BYTES, MOST_TEXT_BYTES, readBounded } from './bounded-read.ts';
import { whyNotRead } from './file-reasons.ts';
import { notAFolder } from './not-a-folder.ts';

/** A file of a stack: where it is, and how people know it. */
export interface NamedFile {
  /** Absolute. */
  readonly file: string;
  /** As people typed it, or relative to where they are. */
  readonly shown: string;
}

/** Reads llmops.yaml; a missing one gets the answer a newcomer needs. Throws a ProblemError if it cannot be read. */
export async function readStackFile(named: NamedFile): Promise<Buffer> {
  try {
    if ((await stat(named.file)).isDirectory()) throw isFolder(named);
    return await readBounded(named.file, MOST_TEXT_BYTES);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOENT' || code === 'ENOTDIR' ? (notAFolder(dirname(named.file)) ?? noFile(named)) : unreadableStackFile(named, error);
  }
}

/** Reads llmops.lock; null: there is none. Throws a ProblemError if it cannot be read. */
export async function readLockFile({ file, shown }: NamedFile): Promise<Buffer | null> {
  return await readBounded(file, MOST_LOCK_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new ProblemError(
      {
        code: 'lock-unreadable',
        summary: `${shown} cannot be read: ${whyNotRead(error)}.`,
        fix: 'See that it is a file that this user may read.',
      },
      error,
    );
  });
}

/** The problem of a stack's file that is there and cannot be read. */
export function unreadableStackFile({ shown }: NamedFile, cause: unknown): ProblemError {
  return new ProblemError(
    {
      code: 'unreadable-stack-file',
      summary: `${shown} cannot be read: ${whyNotRead(cause)}.`,
      fix: 'See that it is a file that this user may read, or name another with -f.',
    },
    cause,
  );
}

function isFolder({ shown }: NamedFile): ProblemError {
  return new ProblemError({
    code: 'no-stack-file',
    summary: `${shown} is a folder, not a file.`,
    fix: 'Use -C to work in a folder, -f to name a file.',
  });
}

function noFile({ shown }: NamedFile): ProblemError {
  return new ProblemError({
    code: 'no-stack-file',
    summary: `There is no ${shown} here.`,
    fix: 'Type `llmops init` to write a first one, or use -C FOLDER or -f FILE to say where it is.',
  });
}
