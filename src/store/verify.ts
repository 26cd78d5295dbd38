import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from './context.ts';
import { makeFolder, onDisk, sizeOf, syncFolder } from './disk.ts';
import { hashFile } from './hash/file.ts';
import { list } from './list.ts';
import { lockOrDone } from './lock.ts';
import type { ReadIo, Verified } from './types.ts';

/** Reads all whole files of ours, one after the other, and sets corrupt ones aside. Throws `cancelled`, or a problem of the disk. */
export async function verify(context: Context, io: ReadIo): Promise<readonly Verified[]> {
  const whole = (await list(context)).filter(({ state }) => state === 'whole');
  const total = whole.reduce((sum, { bytes }) => sum + bytes, 0);
  const results: Verified[] = [];
  let before = 0;
  for (const { key, bytes } of whole) {
    const path = join(context.layout.blobs, key);
    const progress = (done: number): void => io.progress?.(before + done, total);
    const actual = await onDisk(path, () => hashFile(path, bytes, { signal: io.signal, progress }));
    if (actual !== key) await setAside(context, key, io.signal);
    results.push({ sha256: key, bytes, ok: actual === key, actual });
    progress(bytes);
    before += bytes;
  }
  return results;
}

/** Not removed: it may be all that there is, and a person may want to look. */
async function setAside(context: Context, key: string, signal: AbortSignal): Promise<void> {
  const { layout } = context;
  const [from, to] = [join(layout.blobs, key), join(layout.damaged, key)];
  const gone = async (): Promise<boolean> => (await sizeOf(from)) === null;
  const lock = await lockOrDone(context, key, { what: key, bytes: 0, io: { signal, progress: () => undefined } }, gone);
  try {
    await makeFolder(layout.damaged);
    if (!(await gone())) await onDisk(from, () => rename(from, to));
    await syncFolder(layout.blobs);
  } finally {
    lock?.release();
  }
}
