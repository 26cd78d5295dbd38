import { writeFile } from 'node:fs/promises';
import { ProblemError } from '../domain/problem.ts';

/**
 * Writes a result into a file that a flag named, readable by its owner alone. Throws a ProblemError
 * `cannot-write-file`; `flag` is what the person typed.
 */
export async function writeResult(path: string, text: string, flag: string): Promise<void> {
  try {
    await writeFile(path, text, { mode: 0o600 });
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ProblemError(
      {
        code: 'cannot-write-file',
        summary: `${path} cannot be written: ${REASONS[reason] ?? reason}. No model was touched.`,
        fix: `Name another file with ${flag}.`,
      },
      error,
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENAMETOOLONG: 'the name is too long',
};
