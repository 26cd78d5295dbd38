import { randomBytes } from 'node:crypto';
import { lutimes, readdir, readlink, rename, rmdir, stat, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { ProblemError } from '../domain/problem.ts';
import type { RemoteFile } from '../domain/weights.ts';
import type { Context } from './context.ts';
import { makeFolder, onDisk } from './disk.ts';
import { baseName, setOf, type Layout } from './layout.ts';

/** Path of the first of these files once they are linked. */
export function pathOf(layout: Layout, files: readonly RemoteFile[]): string {
  const [first] = files;
  if (!first) throw new Error('weights without files have no path');
  return join(setOf(layout, files), baseName(first));
}

/** Links these files side by side to where `find` tells that they are. Throws a ProblemError `weights-not-here`. */
export async function link(
  { layout }: Context,
  files: readonly RemoteFile[],
  find: (file: RemoteFile) => Promise<string | null>,
): Promise<string> {
  const first = pathOf(layout, files);
  const folder = dirname(first);
  for (const file of files) {
    const target = await find(file);
    if (target === null) throw notHere(file);
    await onDisk(folder, () => linkOne(layout, join(folder, baseName(file)), target));
  }
  return first;
}

/** How often a folder that somebody removes at the same moment is made anew. */
const MOST_TRIES = 5;

/** Moved into place, so that there is never a moment without it. Its own time of change tells when it was last used. */
async function linkOne(layout: Layout, path: string, target: string): Promise<void> {
  const now = new Date();
  const wanted = target.startsWith(`${layout.dir}/`) ? relative(dirname(path), target) : target;
  if ((await readlink(path).catch(() => null)) === wanted) {
    await lutimes(path, now, now).catch(() => undefined); // on record for `prune` only
    return;
  }
  await makeFolder(layout.temporary);
  const beside = join(layout.temporary, `${process.pid}-${randomBytes(6).toString('hex')}`);
  await symlink(wanted, beside);
  for (let tries = 1; ; tries += 1) {
    try {
      await makeFolder(dirname(path));
      await rename(beside, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && tries < MOST_TRIES) continue;
      await unlink(beside).catch(() => undefined);
      throw error;
    }
  }
}

/** A link of ours. */
export interface Linked {
  readonly path: string;
  readonly name: string;
  /** Absolute. */
  readonly target: string;
}

/** All links to weights. */
export async function allLinks(layout: Layout): Promise<readonly Linked[]> {
  const entries = await readdir(layout.sets, { recursive: true, withFileTypes: true }).catch(() => []);
  const links = entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(
    links.map(async (path) => {
      const target = await readlink(path).catch(() => null);
      return target === null ? [] : [{ path, name: basename(path), target: resolve(dirname(path), target) }];
    }),
  );
  return found.flat();
}

/** Removes links to what is no longer there, and folders that hold none then. */
export async function removeBrokenLinks(layout: Layout): Promise<void> {
  for (const { path, target } of await allLinks(layout)) {
    const broken = await stat(target).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
    if (!broken) continue;
    await unlink(path).catch(() => undefined);
    await rmdir(dirname(path)).catch(() => undefined); // others are in it
  }
}

function notHere(file: RemoteFile): ProblemError {
  return new ProblemError({
    code: 'weights-not-here',
    summary: `The weights ${baseName(file)} are not on this machine (SHA-256 ${file.sha256}). Nothing was changed.`,
    fix: 'Fetch them: `llmops apply --prefetch-only`.',
  });
}
