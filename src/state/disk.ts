import { mkdir, open, readFile, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskError } from '../domain/disk-problem.ts';

/**
 * The few things that state does to a disk. What a method wrote is durable when it resolves, but for `rename`, which
 * is durable after `syncFolder`. Tests replace it to record, cut and fill up.
 */
export interface Disk {
  /** null: there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  /** Names in a folder; empty if there is none. */
  list(path: string): Promise<readonly string[]>;
  makeFolder(path: string): Promise<void>;
  write(path: string, bytes: Uint8Array): Promise<void>;
  append(path: string, bytes: Uint8Array): Promise<void>;
  truncate(path: string, length: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
}

/** The real one. Files are 0600 and folders 0700: state names paths and logs that are nobody else's business. */
export const realDisk: Disk = {
  read: (path) => onDisk(path, () => unlessMissing(readFile(path), null)),
  list: (path) => onDisk(path, async () => (await unlessMissing(readdir(path), [])).sort()),
  makeFolder: (path) => onDisk(path, () => makeFolder(path)),
  write: (path, bytes) => onDisk(path, () => writeAndSync(path, 'w', bytes)),
  append: (path, bytes) => onDisk(path, () => writeAndSync(path, 'a', bytes)),
  truncate: (path, length) => onDisk(path, () => truncateAndSync(path, length)),
  rename: (from, to) => onDisk(to, () => rename(from, to)),
  remove: (path) => onDisk(path, () => rm(path, { force: true })),
  syncFolder: (path) => onDisk(path, () => syncFolder(path)),
};

async function writeAndSync(path: string, flags: 'w' | 'a', bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Not mkdir's own `recursive`: where a parent is there and takes no folder (/proc), Node tries for ever. */
async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
    await syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  }
}

async function truncateAndSync(path: string, length: number): Promise<void> {
  await truncate(path, length);
  const file = await open(path, 'r+');
  await file.sync().finally(() => file.close());
}

/** A rename is durable only once its folder is: fsync(2), "Calling fsync() does not necessarily ensure that the entry in the directory ...". */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

async function unlessMissing<T>(result: Promise<T>, missing: T): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return missing;
    throw error;
  }
}

async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw diskError(path, error);
  }
}
