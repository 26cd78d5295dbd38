/** What the hashing thread is given. */
export interface FollowData {
  readonly path: string;
  /** Numbers of 64 bits that both threads see, at the places below. */
  readonly memory: SharedArrayBuffer;
}

/** Counts every change of the others, so that a thread that waits for one cannot miss it. */
export const CHANGES = 0;
/** Bytes of the file that may be hashed. */
export const LENGTH = 1;
/** Not 0: no more will come. */
export const OVER = 2;
/** Bytes that were hashed. */
export const HASHED = 3;
/** Bytes of the memory. */
export const MEMORY_BYTES = 4 * 8;
