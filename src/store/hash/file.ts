import { setInterval } from 'node:timers/promises';
import { ProblemError } from '../../domain/problem.ts';
import type { ReadIo } from '../types.ts';
import { followFile, type Follower } from './follow.ts';

/** How often one who waits is told how far the hashing is, in milliseconds. */
const TELL_MS = 100;

/** SHA-256 (hex) of the first `bytes` of a file. Throws the error of the disk, or a ProblemError `cancelled`. */
export async function hashFile(path: string, bytes: number, io: ReadIo): Promise<string> {
  refuseIfStopped(io.signal);
  const follower = followFile(path);
  try {
    follower.advance(bytes);
    return await digestOf(follower, io.signal, (done) => io.progress?.(done, bytes));
  } finally {
    await follower.close();
  }
}

/** Waits for the digest, telling how far it is. Throws as {@link hashFile}. */
export async function digestOf(follower: Follower, signal: AbortSignal, tell: (hashed: number) => void): Promise<string> {
  const over = new AbortController();
  const telling = (async () => {
    for await (const _ of setInterval(TELL_MS, undefined, { signal: over.signal })) tell(follower.hashed());
  })().catch(() => undefined);
  try {
    return await unlessStopped(follower.digest(), signal);
  } finally {
    over.abort();
    await telling;
  }
}

/** Throws `cancelled` once the signal says so. */
export function refuseIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw stopped(signal);
}

/** The problem of work on weights that a person stopped. */
export function stopped(signal: AbortSignal): ProblemError {
  return new ProblemError(
    { code: 'cancelled', summary: 'Stopped while weights were fetched or read. What was fetched is kept.' },
    signal.reason,
  );
}

async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => undefined;
  const stop = new Promise<never>((_, reject) => {
    abort = () => reject(stopped(signal));
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
  });
  try {
    return await Promise.race([work, stop]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
