import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Puts a text into the place of a file that people edit too, whole or not at all: written beside it, flushed, renamed over
 * it. Permissions and, where allowed, the owner stay; a new file gets the usual ones. `file` must be no link. Fails with
 * the error of the file system, and then leaves nothing behind.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const before = await stat(file).catch(() => null);
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    const handle = await open(temporary, 'wx', before === null ? 0o666 : 0o600);
    try {
      await handle.writeFile(text);
      if (before !== null) {
        await handle.chown(before.uid, before.gid).catch(() => undefined);
        await handle.chmod(before.mode & 0o7777);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

/** A rename is durable once its folder is. Not every file system can flush a folder; the file is whole either way. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
