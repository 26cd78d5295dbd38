import { statSync } from 'node:fs';
import { ProblemError } from '../domain/problem.ts';

/** Why a folder that was named cannot be worked in; null: it can. */
export function notAFolder(path: string): ProblemError | null {
  const why = whatIs(path);
  if (why === 'folder') return null;
  const summary = { nothing: `There is no folder ${path}.`, file: `${path} is a file, not a folder.` }[why];
  return new ProblemError({ code: 'no-folder', summary, fix: 'Make it first, or name another one with -C or -f.' });
}

function whatIs(path: string): 'folder' | 'file' | 'nothing' {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'nothing'; // also one that nobody may look at
  }
}
