/** How often and how fast something that crashes is started again. Milliseconds. */
export interface RestartPolicy {
  readonly firstMs: number;
  readonly factor: number;
  readonly capMs: number;
  /** Crashes in a row after which it is left alone. */
  readonly giveUpAfter: number;
  /** A copy that ran this long before it crashed starts the count anew. */
  readonly healthyMs: number;
}

/** While something waits for that start. */
export const RESTARTS: RestartPolicy = { firstMs: 250, factor: 2, capMs: 30_000, giveUpAfter: 5, healthyMs: 60_000 };

/** While something supervises: what it crashes for may go at any time, memory that others took or a disk that was away, so none is the last. */
export const SUPERVISED: RestartPolicy = { ...RESTARTS, capMs: 300_000, giveUpAfter: Infinity };

/** Counts crashes. `next` takes how long the copy ran and gives the pause before the next start; null: give up. `inARow`: crashes so far. */
export function countCrashes(policy: RestartPolicy): { next(ranMs: number): number | null; inARow(): number } {
  let crashes = 0;
  return {
    inARow: () => crashes,
    next(ranMs) {
      if (ranMs >= policy.healthyMs) crashes = 0;
      crashes += 1;
      return crashes > policy.giveUpAfter ? null : Math.min(policy.capMs, policy.firstMs * policy.factor ** (crashes - 1));
    },
  };
}

/**
 * Pause after `failures` tries in a row that brought nothing (0: the last one did): doubles up to a limit. A random part, from 0 to
 * 1, takes up to half of it away, so that many who failed together do not come back together. Milliseconds.
 */
export function pauseAfter(failures: number, firstMs: number, longestMs: number, random: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1)) * (1 - random / 2);
}
