import { Worker } from 'node:worker_threads';
import { CHANGES, HASHED, LENGTH, MEMORY_BYTES, OVER, type FollowData } from './shared.ts';

/** Hashes a file while it is written. */
export interface Follower {
  /** The first `length` bytes of the file are written now, and will not change. */
  advance(length: number): void;
  /** Bytes that were hashed. */
  hashed(): number;
  /** No more comes: SHA-256 (hex) of what lies on disk. Rejects with the error of the disk. */
  digest(): Promise<string>;
  close(): Promise<void>;
}

const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/**
 * Begins to hash a file, in a thread of its own, that reads back what was written: so what is verified is what lies on
 * disk, receiving never waits for it, and a file that an earlier run began is read again while the rest still comes.
 * (OpenSSL's state cannot be stored, so there is no shorter way to go on with it.) The threads share a few numbers
 * instead of messages, because there is one for every write.
 */
export function followFile(path: string): Follower {
  const memory = new SharedArrayBuffer(MEMORY_BYTES);
  const cells = new BigInt64Array(memory);
  const data: FollowData = { path, memory };
  const worker = new Worker(PROGRAM, { workerData: data, execArgv: [] });
  const result = new Promise<string>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('the hashing thread ended early')));
  });
  result.catch(() => undefined); // told by digest(), which may never be asked
  const set = (place: number, value: bigint): void => {
    Atomics.store(cells, place, value);
    Atomics.add(cells, CHANGES, 1n);
    Atomics.notify(cells, CHANGES);
  };
  return {
    advance: (length) => set(LENGTH, BigInt(length)),
    hashed: () => Number(Atomics.load(cells, HASHED)),
    digest: () => {
      set(OVER, 1n);
      return result;
    },
    close: async () => void (await worker.terminate()),
  };
}
