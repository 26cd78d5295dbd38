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

export const RESTARTS: RestartPolicy = { firstMs: 250, factor: 2, capMs: 30_000, giveUpAfter: 5, healthyMs: 60_000 };

/** Counts crashes. `next` takes how long the copy ran and gives the pause before the next start; null: give up. */
export function countCrashes(policy: RestartPolicy): { next(ranMs: number): number | null } {
  let crashes = 0;
  return {
    next(ranMs) {
      if (ranMs >= policy.healthyMs) crashes = 0;
      crashes += 1;
      return crashes > policy.giveUpAfter ? null : Math.min(policy.capMs, policy.firstMs * policy.factor ** (crashes - 1));
    },
  };
}
