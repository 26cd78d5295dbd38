import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { inGiB } from '../machine-words.ts';
import { finding, type Finding } from './check.ts';

/** Logs and history need little; a full disk still stops an apply at its first record. */
const LITTLE_SPACE = 256 * 1024 ** 2;

/** Whether llmops can keep things in a folder, which need not exist yet. Writes nothing there. */
export async function checkFolder(id: string, what: string, folder: string): Promise<Finding> {
  const place = await nearestExisting(folder);
  if (!place.isFolder) return finding(id, 'fail', `${what} ${folder}: ${place.path} is a file.`, 'Move it away, or name another folder.');
  try {
    await access(place.path, constants.W_OK | constants.X_OK);
  } catch {
    return finding(
      id,
      'fail',
      `${what} ${folder} cannot be written: no permission for ${place.path}.`,
      'Mend its permissions, or name another folder (--state-dir, XDG_STATE_HOME, XDG_CACHE_HOME).',
    );
  }
  const space = await statfs(place.path);
  const free = space.bavail * space.bsize;
  const summary = `${what} ${folder}${place.path === folder ? '' : ' (not made yet)'}, ${inGiB(free)} free`;
  return free < LITTLE_SPACE ? finding(id, 'warn', summary, 'Free some space on this disk.') : finding(id, 'ok', summary);
}

async function nearestExisting(folder: string): Promise<{ readonly path: string; readonly isFolder: boolean }> {
  for (let path = folder; ; path = dirname(path)) {
    const info = await stat(path).catch((error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' || error.code === 'ENOTDIR' ? null : error,
    );
    if (info !== null) return { path, isFolder: info instanceof Error || info.isDirectory() };
    if (dirname(path) === path) return { path, isFolder: true };
  }
}
