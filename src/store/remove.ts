import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from './context.ts';
import { onDisk, syncFolder } from './disk.ts';
import { isKey } from './layout.ts';
import { removeBrokenLinks } from './links.ts';
import { tryLock } from './lock.ts';

/** Removes files of ours, whole or not, and the links to them. Bytes freed. What is being fetched stays. */
export async function remove(context: Context, keys: readonly string[]): Promise<number> {
  let freed = 0;
  for (const key of new Set(keys.filter(isKey))) freed += await removeOne(context, key);
  await removeBrokenLinks(context.layout);
  return freed;
}

async function removeOne(context: Context, key: string): Promise<number> {
  const { layout } = context;
  const lock = await tryLock(context, key);
  if (!lock) return 0;
  try {
    let freed = 0;
    for (const folder of [layout.blobs, layout.partial, layout.damaged]) freed += await removeFile(folder, key);
    await rm(join(layout.partial, `${key}.json`), { force: true });
    return freed;
  } finally {
    lock.release();
  }
}

async function removeFile(folder: string, key: string): Promise<number> {
  const path = join(folder, key);
  const facts = await stat(path).catch(() => null);
  if (!facts) return 0;
  await onDisk(path, async () => {
    await rm(path, { force: true });
    await syncFolder(folder);
  });
  return facts.size;
}
