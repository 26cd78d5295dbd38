import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { tryKernelLock, type KernelLock } from '../state/kernel-lock.ts';
import type { Context } from './context.ts';
import { makeFolder, onDisk, sizeOf } from './disk.ts';
import { refuseIfStopped } from './hash/file.ts';
import type { Download, FetchIo } from './types.ts';

/**
 * The right to write the file of this key, or null if somebody has it. Its file stays behind, empty: removing it would
 * let two have the lock, one on the removed file and one on a new one.
 */
export async function tryLock({ layout }: Context, key: string): Promise<KernelLock | null> {
  const path = join(layout.locks, key);
  await makeFolder(layout.locks);
  return await onDisk(path, () => tryKernelLock(path));
}

/**
 * The right to write it, as soon as it is free: also when its holder was killed. Says once that it waits, and tells how far
 * the other one is. `done` is asked before each look: null is returned once it says so. Throws `cancelled`.
 */
export async function lockOrDone(
  context: Context,
  key: string,
  { what, bytes, io }: { readonly what: Download['what']; readonly bytes: number; readonly io: FetchIo },
  done: () => Promise<boolean>,
): Promise<KernelLock | null> {
  for (let said = false; ; said = true) {
    refuseIfStopped(io.signal);
    const isDone = await done();
    const lock = isDone ? null : await tryLock(context, key);
    if (isDone || lock) {
      if (said) io.note?.('');
      return lock;
    }
    if (!said) io.note?.(`${what} is being fetched by another llmops; waiting for it.`);
    io.progress((await sizeOf(join(context.layout.partial, key))) ?? 0, bytes);
    await pause(context.tuning.lockPollMs, undefined, { signal: io.signal }).catch(() => refuseIfStopped(io.signal));
  }
}
