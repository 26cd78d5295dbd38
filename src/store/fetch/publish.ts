import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { makeFolder, onDisk, sizeOf, syncFolder } from '../disk.ts';
import type { Spool } from './spool.ts';

/**
 * Makes a verified file visible, for good: its bytes are on disk before its name is, and its name before this returns. One
 * that came in meanwhile on another way stays, because engines and caches know it by its inode.
 */
export async function publish({ layout }: Context, key: string, sha256: string, spool: Spool): Promise<void> {
  const [partial, whole] = [join(layout.partial, key), join(layout.blobs, sha256)];
  if ((await sizeOf(whole)) === spool.length()) {
    await onDisk(partial, () => rm(partial));
    return;
  }
  await spool.seal();
  await makeFolder(layout.blobs);
  await onDisk(whole, async () => {
    await rename(partial, whole);
    await syncFolder(layout.blobs);
  });
}
