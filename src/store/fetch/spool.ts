import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { diskProblem, onDisk } from '../disk.ts';
import { followFile, type Follower } from '../hash/follow.ts';
import type { Sink } from '../http/tap.ts';

/** A file that is being fetched: bytes go to its end, and are hashed on the way. */
export interface Spool extends Sink {
  /** Bytes on disk. */
  length(): number;
  /** Whoever pours into it is told of a disk that refuses: once, with a ProblemError where the cause is known. */
  onFailure(told: (error: unknown) => void): void;
  /** Told after every write. */
  onWritten(told: () => void): void;
  /** Waits until everything that was taken is written. Throws the disk's error. */
  settle(): Promise<void>;
  /** Forgets all bytes. Only when settled. */
  empty(): Promise<void>;
  /** Begins to hash, from the first byte, if that was not done yet. */
  follow(): Follower;
  /** Makes the bytes durable, and the file unchangeable. */
  seal(): Promise<void>;
  close(): Promise<void>;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly release: () => void;
}

/** So much is flushed while more comes, or the last flush of a large file would take minutes in which nothing seems to happen. */
const FLUSH_BYTES = 64 * 1024 * 1024;

/** Opens the file, or makes it; bytes that are there count as fetched. Throws a ProblemError of the disk. */
export async function openSpool(path: string): Promise<Spool> {
  return await onDisk(path, async () => {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const { size } = await file.stat();
    return spoolOf(path, file, size);
  });
}

function spoolOf(path: string, file: FileHandle, size: number): Spool {
  let length = size;
  let queue: Piece[] = [];
  let writing: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;
  let follower: Follower | null = null;
  let tellFailure: (error: unknown) => void = () => undefined;
  let tellWritten: () => void = () => undefined;
  const flush = flushing(file);
  // One write at a time, of all that came during the one before it: slow networks are written at once, fast ones in large pieces.
  const write = async (): Promise<void> => {
    try {
      while (queue.length > 0) {
        const pieces = queue;
        queue = [];
        await writeAll(file, pieces, length);
        for (const { bytes } of pieces) length += bytes.length;
        follower?.advance(length);
        for (const { release } of pieces) release();
        tellWritten();
        flush.after(length);
      }
    } catch (error) {
      failure = { error: diskProblem(path, error) };
      queue = [];
      tellFailure(failure.error);
    }
    writing = null;
  };
  return {
    length: () => length,
    onFailure: (told) => void (tellFailure = told),
    onWritten: (told) => void (tellWritten = told),
    take: (bytes, release) => {
      if (failure) return;
      queue.push({ bytes, release });
      writing ??= write();
    },
    settle: async () => {
      await writing;
      if (failure) throw failure.error;
    },
    empty: async () => {
      await follower?.close();
      follower = null;
      await onDisk(path, () => file.truncate(0));
      length = 0;
    },
    follow: () => {
      follower ??= followFile(path);
      follower.advance(length);
      return follower;
    },
    seal: () =>
      onDisk(path, async () => {
        await flush.settle();
        await file.chmod(0o400);
        await file.sync();
      }),
    close: async () => {
      await writing;
      await follower?.close();
      await flush.settle().catch(() => undefined); // what is not durable is fetched again
      await file.close();
    },
  };
}

/** A write may take less than it was given: a disk that fills up does. The next one then tells why. */
async function writeAll(file: FileHandle, pieces: readonly Piece[], position: number): Promise<void> {
  let rest = pieces.map(({ bytes }) => bytes);
  for (let at = position; rest.length > 0;) {
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
}

function behind(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let left = written;
  return pieces.flatMap((bytes) => {
    const skip = Math.min(left, bytes.length);
    left -= skip;
    return skip === bytes.length ? [] : [bytes.subarray(skip)];
  });
}

/** Flushes beside the writing, one flush at a time. */
function flushing(file: FileHandle): { after(length: number): void; settle(): Promise<void> } {
  let flushed = 0;
  let running: Promise<void> | null = null;
  let failed: { readonly error: unknown } | null = null;
  return {
    after: (length) => {
      if (running || length - flushed < FLUSH_BYTES) return;
      flushed = length;
      running = file
        .datasync()
        .catch((error: unknown) => void (failed = { error }))
        .finally(() => (running = null));
    },
    settle: async () => {
      await running;
      if (failed) throw failed.error;
    },
  };
}
