import type { Tuning } from './types.ts';

/** For real networks: given up after six tries in a row without a byte, which is about a minute. */
export const TUNING: Tuning = {
  stallMs: 30_000,
  tries: 6,
  firstPauseMs: 1000,
  longestPauseMs: 30_000,
  longestWaitMs: 10 * 60_000,
  lockPollMs: 200,
  reserveBytes: 512 * 1024 ** 2,
};

/** Downloads side by side: more bring nothing on one network, and hurt the server. */
export const LANES = 3;
