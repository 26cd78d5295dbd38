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
    return new FileSpool(path, file, size);
  });
}

class FileSpool implements Spool {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #flushing: Flushing;
  #length: number;
  #queue: Piece[] = [];
  #writing: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  #follower: Follower | null = null;
  #tellFailure: (error: unknown) => void = () => undefined;
  #tellWritten: () => void = () => undefined;

  constructor(path: string, file: FileHandle, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
    this.#flushing = flushing(file);
  }

  length(): number {
    return this.#length;
  }

  onFailure(told: (error: unknown) => void): void {
    this.#tellFailure = told;
  }

  onWritten(told: () => void): void {
    this.#tellWritten = told;
  }

  take(bytes: Uint8Array, release: () => void): void {
    if (this.#failure) return;
    this.#queue.push({ bytes, release });
    this.#writing ??= this.#write();
  }

  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  async empty(): Promise<void> {
    await this.#follower?.close();
    this.#follower = null;
    await onDisk(this.#path, () => this.#file.truncate(0));
    this.#length = 0;
  }

  follow(): Follower {
    this.#follower ??= followFile(this.#path);
    this.#follower.advance(this.#length);
    return this.#follower;
  }

  async seal(): Promise<void> {
    await onDisk(this.#path, async () => {
      await this.#flushing.settle();
      await this.#file.chmod(0o400);
      await this.#file.sync();
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#follower?.close();
    await this.#flushing.settle().catch(() => undefined); // what is not durable is fetched again
    await this.#file.close();
  }

  /** One write at a time, of all that came during the one before it: slow networks are written at once, fast ones in large pieces. */
  async #write(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const pieces = this.#queue;
        this.#queue = [];
        await writeAll(this.#file, pieces, this.#length);
        for (const { bytes } of pieces) this.#length += bytes.length;
        this.#follower?.advance(this.#length);
        for (const { release } of pieces) release();
        this.#tellWritten();
        this.#flushing.after(this.#length);
      }
    } catch (error) {
      this.#failure = { error: diskProblem(this.#path, error) };
      this.#queue = [];
      this.#tellFailure(this.#failure.error);
    }
    this.#writing = null;
  }
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

interface Flushing {
  /** So many bytes are written. */
  after(length: number): void;
  /** Waits for a flush that runs. Throws the error of any before. */
  settle(): Promise<void>;
}

/** Flushes beside the writing, one flush at a time. */
function flushing(file: FileHandle): Flushing {
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
