const FIRST_MS = 1000;
const LONGEST_MS = 300_000;
/** A receiver may ask for patience, but not for silence. */
const MOST_PATIENCE_MS = 3_600_000;

/**
 * Pause after `failures` tries in a row, from 1 on: doubles up to five minutes. `random`, from 0 to 1, takes up to half of it
 * away, so that many who failed together do not come back together. Never less than what the receiver asked for. Milliseconds.
 */
export function pauseAfter(failures: number, askedMs: number | null, random: number): number {
  const own = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30)) * (1 - random / 2);
  return Math.max(own, Math.min(MOST_PATIENCE_MS, askedMs ?? 0));
}
