import { countCrashes, RESTARTS, type RestartPolicy } from '../domain/backoff.ts';
import type { Plan } from '../domain/plan.ts';

/** What a look at the stack led to. `inMs`: when the next start is due. */
export type Watched =
  | { readonly type: 'waiting'; readonly model: string; readonly why: string; readonly inMs: number }
  | { readonly type: 'gave-up'; readonly model: string; readonly why: string };

interface Watch {
  readonly crashes: ReturnType<typeof countCrashes>;
  /** When it was first seen to run since its last crash. */
  since: number;
  /** When its next start is due; null: none is; Infinity: it was given up. */
  dueAt: number | null;
}

/** Remembers how often each model crashed, and says which are to be started now. Pure: time comes in. */
export class CrashWatch {
  readonly #watches = new Map<string, Watch>();
  readonly #policy: RestartPolicy;

  constructor(policy: RestartPolicy = RESTARTS) {
    this.#policy = policy;
  }

  /** A look at a fresh plan at `now` (monotonic milliseconds). Only what ended by itself counts; changes that somebody wants are an apply's. */
  look(plan: Plan, now: number): { readonly due: readonly string[]; readonly events: readonly Watched[] } {
    const ended = new Map(
      plan.drift.filter(({ reason }) => reason === 'crashed' || reason === 'gone').map(({ model, detail }) => [model, detail]),
    );
    const events: Watched[] = [];
    for (const { model, correctsDrift } of plan.changes) {
      const watch = this.#watchOf(model, now);
      const why = ended.get(model);
      if (why === undefined || !correctsDrift) {
        if (watch.dueAt !== null) Object.assign(watch, { since: now, dueAt: null });
      } else if (watch.dueAt === null) events.push(this.#decide(model, why, watch, now));
    }
    return {
      due: [...this.#watches].filter(([model, { dueAt }]) => ended.has(model) && dueAt !== null && dueAt <= now).map(([model]) => model),
      events,
    };
  }

  /** These were started anew, or were tried to be. */
  started(models: readonly string[], now: number): void {
    for (const model of models) Object.assign(this.#watchOf(model, now), { since: now, dueAt: null });
  }

  #watchOf(model: string, now: number): Watch {
    const watch = this.#watches.get(model) ?? { crashes: countCrashes(this.#policy), since: now, dueAt: null };
    this.#watches.set(model, watch);
    return watch;
  }

  #decide(model: string, why: string, watch: Watch, now: number): Watched {
    const pause = watch.crashes.next(now - watch.since);
    watch.dueAt = pause === null ? Number.POSITIVE_INFINITY : now + pause;
    return pause === null ? { type: 'gave-up', model, why } : { type: 'waiting', model, why, inMs: pause };
  }
}
