import { holdsAt, suspendedAt, WHOLE_STACK, type Holds } from '../domain/holds.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import { targetOf, type Target } from './target.ts';
import type { DaemonClock, Hands } from './types.ts';

/**
 * What people hold, as it is on disk now. Where that cannot be read, what was known counts on, and nothing new is worked towards:
 * a release that was rolled back must not come back because a file was damaged.
 */
export class HoldsView {
  readonly #hands: Pick<Hands, 'readHolds'>;
  readonly #clock: Pick<DaemonClock, 'wallMs'>;
  #known: Holds;
  #damage: Problem | null = null;

  constructor(hands: Pick<Hands, 'readHolds'>, clock: Pick<DaemonClock, 'wallMs'>, known: Holds) {
    this.#hands = hands;
    this.#clock = clock;
    this.#known = known;
  }

  /** Why it cannot be read; null: it can. */
  get damage(): Problem | null {
    return this.#damage;
  }

  /** Without what is over by now. Never rejects. */
  async read(): Promise<Holds> {
    try {
      this.#known = await this.#hands.readHolds();
      this.#damage = null;
    } catch (error) {
      this.#damage = problemOf(error);
    }
    return holdsAt(this.#known, this.#clock.wallMs());
  }

  /** `newest`: id of the newest release; null: none. */
  targetOf(holds: Holds, newest: string | null): Target {
    return this.#damage === null ? targetOf(newest, holds) : { kind: 'in-force', quarantine: null };
  }

  isSuspended(holds: Holds): boolean {
    return suspendedAt(holds, this.#clock.wallMs()).has(WHOLE_STACK);
  }
}
