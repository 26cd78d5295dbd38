import { basename, dirname } from 'node:path';
import type { FSWatcher } from 'chokidar';

/** Ends the listening. */
export type Close = () => Promise<void>;

/** For a folder on a drive that does not answer. */
const READY_MS = 5000;

/**
 * Listens to the folders of some files. To folders, because a file that is replaced takes a watch of its own with it. Resolves when
 * it hears; `failed` is called at most once, when it cannot hear, or does not any more: no watches left (ENOSPC), no numbers left for
 * open files (EMFILE), no permission.
 */
export async function listenToFolders(paths: readonly string[], heard: () => void, failed: () => void): Promise<Close> {
  const folders = new Set(paths.map((path) => dirname(path)));
  const names = new Set(paths.map((path) => basename(path)));
  const { watch } = await import('chokidar');
  const watcher = watch([...folders], {
    depth: 0,
    persistent: false,
    ignoreInitial: true,
    atomic: false, // bursts are joined here, for all files together
    // What else lies in the folder is neither looked at nor heard. Kubernetes swaps a link `..data` beside the files.
    ignored: (path) => !folders.has(path) && !names.has(basename(path)) && !basename(path).startsWith('..'),
  });
  let isOver = false;
  watcher.on('all', () => !isOver && heard());
  await readyOf(watcher, () => {
    if (!isOver) failed();
    isOver = true;
  });
  return async () => {
    isOver = true;
    await watcher.close();
  };
}

function readyOf(watcher: FSWatcher, failed: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, READY_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    watcher.on('ready', done).on('error', () => {
      failed();
      done();
    });
  });
}
