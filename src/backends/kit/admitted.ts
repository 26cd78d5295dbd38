/** Requests of an instance at one moment. */
export interface Requests {
  /** Those that are worked on, each with a number that no other one has and that grows; null: it does not number them. */
  readonly working: readonly (number | null)[];
  /** How many wait for a place, as far as it says. */
  readonly waiting: number;
}

/** Tells requests that were there at the beginning from those that came later. Pure. */
export class Admitted {
  readonly #known = new Set<number>();
  readonly #own = new Set<number>();
  /** Those that waited for a place at the beginning and were not seen in one yet. They get theirs before any that come later. */
  #queued = 0;

  /** How many of those from the beginning are not done. `begins`: what is seen now counts as from the beginning. */
  left({ working, waiting }: Requests, begins: boolean): number {
    const fresh = working.filter((task): task is number => task !== null && !this.#known.has(task)).sort((a, b) => a - b);
    for (const task of fresh) {
      this.#known.add(task);
      if (begins || this.#queued > 0) this.#own.add(task);
      if (!begins) this.#queued = Math.max(0, this.#queued - 1);
    }
    this.#queued = begins ? waiting : Math.min(this.#queued, waiting);
    // One without a number cannot be told from a later one: then it is waited for.
    return working.filter((task) => task === null || this.#own.has(task)).length + this.#queued;
  }
}
