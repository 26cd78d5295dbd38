import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import type { DriverContext } from '../../domain/backend.ts';

/** The program that a setting names, by its path or by a name on PATH; null: there is none that can be run. */
export function findProgram(asked: string, { baseDir, env }: Pick<DriverContext, 'baseDir' | 'env'>): string | null {
  if (/[\\/]/.test(asked)) {
    const path = resolve(baseDir, asked);
    return isProgram(path) ? path : null;
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => resolve(folder, asked)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
