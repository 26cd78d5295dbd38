import { pauseAfter } from '../domain/backoff.ts';

const FIRST_MS = 1000;
const LONGEST_MS = 300_000;
/** A receiver may ask for patience, but not for silence. */
const MOST_PATIENCE_MS = 3_600_000;

/** Pause after `failures` tries in a row, from 1 on: up to five minutes, and never less than what the receiver asked for. Milliseconds. */
export function patience(failures: number, askedMs: number | null, random: number): number {
  return Math.max(pauseAfter(failures, FIRST_MS, LONGEST_MS, random), Math.min(MOST_PATIENCE_MS, askedMs ?? 0));
}
