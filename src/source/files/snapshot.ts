import { createHash } from 'node:crypto';
import { dirname, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { problemOf, type Problem } from '../../domain/problem.ts';
import { MOST_TEXT_BYTES, readBounded } from '../../files/bounded-read.ts';
import { readLockFile, readStackFile, unreadableStackFile, type NamedFile } from '../../files/stack-files.ts';
import { stampOf } from './stamp.ts';

/** Which files make up a state. */
export interface FileSet {
  readonly stack: NamedFile;
  readonly lock: NamedFile;
  /** Absolute paths of what llmops.yaml refers to. */
  readonly followed: readonly string[];
}

/** All files as they were at one moment. Two with the same id hold the same bytes, or cannot be had for the same reason. */
export type Snapshot =
  | { readonly id: string; readonly problem: Problem }
  | {
      readonly id: string;
      readonly problem: null;
      readonly text: Buffer;
      readonly lock: Buffer | null;
      /** By absolute path; only what could be read whole. */
      readonly followed: ReadonlyMap<string, Buffer>;
    };

/** Whoever writes in place pauses for less between two pieces, so what was written a moment ago may be half of it. */
const QUIET_MS = 60;
/** Where somebody writes all the time, what stood still at least while it was read has to do. */
const ATTEMPTS = 5;

/** Every file of the set, the stack's file first. */
export function pathsOf({ stack, lock, followed }: FileSet): readonly string[] {
  return [stack.file, lock.file, ...followed];
}

/** Reads all files, again if one changed meanwhile, so that they belong together. Rejects only if the signal is aborted. */
export async function takeSnapshot(files: FileSet, signal: AbortSignal): Promise<Snapshot> {
  let whole: Snapshot | null = null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    signal.throwIfAborted();
    const before = await stampOf(pathsOf(files));
    const read = await readAll(files);
    // An editor that moves the old file away before it writes the new one leaves nothing there for a moment.
    const isYoung = isFresh(before.writtenMs) || (read.problem !== null && attempt === 0);
    if (await isAsBefore()) {
      if (!isYoung) return read;
      whole = read;
    }
    await pause(QUIET_MS, undefined, { signal });
    if (whole === read && (await isAsBefore())) return read;
    async function isAsBefore(): Promise<boolean> {
      return (await stampOf(pathsOf(files))).key === before.key;
    }
  }
  return whole ?? unavailable(unreadableStackFile(files.stack, new Error('it is being written to')).problem);
}

/** A time to come is that of another clock, a file server's, and tells nothing. */
function isFresh(writtenMs: number | null): boolean {
  const age = Date.now() - (writtenMs ?? -Infinity);
  return age >= 0 && age < QUIET_MS;
}

async function readAll({ stack, lock, followed }: FileSet): Promise<Snapshot> {
  try {
    const [text, locked, others] = await Promise.all([
      readStackFile(stack),
      readLockFile(lock),
      Promise.all(followed.map(async (path) => [path, await readFollowed(path)] as const)),
    ]);
    const digests = others.map(([path, read]) => [relative(dirname(stack.file), path), typeof read === 'string' ? read : digestOf(read)]);
    return {
      id: digestOf(JSON.stringify([digestOf(text), locked && digestOf(locked), digests])),
      problem: null,
      text,
      lock: locked,
      followed: new Map(others.filter((other): other is [string, Buffer] => typeof other[1] !== 'string')),
    };
  } catch (error) {
    return unavailable(problemOf(error));
  }
}

function unavailable(problem: Problem): Snapshot {
  return { id: `${problem.code}: ${problem.summary}`, problem };
}

/** Its bytes, or why there are none: that is for whoever needs the file to tell, and part of the state no less. */
async function readFollowed(path: string): Promise<Buffer | string> {
  try {
    const read = await readBounded(path, MOST_TEXT_BYTES);
    return read.length > MOST_TEXT_BYTES ? `long ${(await stampOf([path])).key}` : read;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}

function digestOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
