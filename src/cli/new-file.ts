import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { ProblemError } from '../domain/problem.ts';
import { howToWrite, whyNotWritten } from '../files/file-reasons.ts';
import { notAFolder } from '../files/not-a-folder.ts';
import type { StackPaths } from '../stack/paths.ts';

/** How a verb that writes a first llmops.yaml helps where it cannot: `instead` of one that is there, and `elsewhere` of a folder that refuses. */
export interface Ways {
  readonly instead: string;
  readonly elsewhere: string;
}

/** Throws a ProblemError before any work is done: `no-folder`, `file-exists`. */
export function refuseExisting(paths: StackPaths, ways: Ways): void {
  const problem = notAFolder(paths.baseDir);
  if (problem !== null) throw problem;
  if (existsSync(paths.file)) throw alreadyThere(paths, ways);
}

/** Writes a file that is not there yet. `wx`: even one that came into being since we looked is not overwritten. */
export async function writeNew(paths: StackPaths, text: string, ways: Ways): Promise<void> {
  try {
    await writeFile(paths.file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(paths, ways);
    const mend = howToWrite(error);
    const fix = `${mend === null ? '' : `${mend}, or `}${ways.elsewhere}.`;
    throw new ProblemError(
      {
        code: 'file-not-writable',
        summary: `${paths.shown} cannot be written: ${whyNotWritten(error)}.`,
        fix: `${fix.slice(0, 1).toUpperCase()}${fix.slice(1)}`,
      },
      error,
    );
  }
}

function alreadyThere(paths: StackPaths, { instead }: Ways): ProblemError {
  return new ProblemError({ code: 'file-exists', summary: `${paths.shown} is there already. It was left as it is.`, fix: instead });
}
