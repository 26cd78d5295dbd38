import { countCrashes, SUPERVISED, type RestartPolicy } from '../domain/backoff.ts';
import type { Change, Plan } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';

/** What a look at the stack led to. `inMs`: when the next start is due. `times`: how often it ended since it last ran for a while. */
export type Watched =
  | { readonly type: 'waiting'; readonly model: string; readonly why: string; readonly inMs: number; readonly times: number }
  /** It cannot be acted on. `why`: what happened to it, if anything did. */
  | { readonly type: 'blocked'; readonly model: string; readonly why: string | null; readonly problem: Problem };

/** How long a copy that did not end may be blocked before that is told, in milliseconds: one that is busy answers late. */
const BUSY_MS = 5000;
/** A thing that stays as it is is said again after this time, then after twice that, and so on, at most this long apart. Milliseconds. */
const REMIND: RestartPolicy = { ...SUPERVISED, firstMs: 60_000, capMs: 3_600_000, healthyMs: Infinity };

/** Says a thing when it is new, and again with growing pauses for as long as it is so. Pure: time comes in. */
export class Reminders {
  readonly #said = new Map<string, { readonly what: string; readonly pauses: ReturnType<typeof countCrashes>; nextAt: number }>();

  /** True if it is time to say this about `key`. */
  isDue(key: string, what: string, now: number): boolean {
    const known = this.#said.get(key);
    if (known?.what === what && now < known.nextAt) return false;
    const pauses = known?.what === what ? known.pauses : countCrashes(REMIND);
    this.#said.set(key, { what, pauses, nextAt: now + (pauses.next(0) ?? Infinity) });
    return true;
  }

  /** It is so no longer. */
  forget(key: string): void {
    this.#said.delete(key);
  }
}

/** What is known beside the plan. */
export interface Known {
  /** By model that is looked after, the hash of the spec that was applied last. */
  readonly applied: ReadonlyMap<string, string>;
  /** Those of them whose clients are sent nowhere, or to a copy that is not there. */
  readonly unreached: ReadonlySet<string>;
  /** Somebody else is changing the stack, so what no crash explains may be away for that. */
  readonly busy: boolean;
}

/** What is to be started now, and what is to be told. */
interface Look {
  readonly due: readonly string[];
  readonly events: readonly Watched[];
}

interface Watch {
  readonly crashes: ReturnType<typeof countCrashes>;
  /** When it was first seen to run since its last crash. */
  since: number;
  /** When its next start is due, and what happened to it; null: none is. */
  next: { at: number; readonly why: string } | null;
}

/** A model that is to be started anew. `at`: when, on the clock of the looks. */
export interface Due {
  readonly model: string;
  readonly why: string;
  readonly at: number;
  /** How often it ended, or was tried in vain, since it last ran for a while. */
  readonly times: number;
}

/** Remembers how often each model crashed, and says which are to be started now. Pure: time comes in. */
export class CrashWatch {
  readonly #watches = new Map<string, Watch>();
  readonly #reminders = new Reminders();
  readonly #blockedSince = new Map<string, number>();
  readonly #policy: RestartPolicy;

  constructor(policy: RestartPolicy = SUPERVISED) {
    this.#policy = policy;
  }

  /**
   * A look at a fresh plan at `now` (monotonic milliseconds). Only what was applied and is not there for its clients counts;
   * changes that somebody wants are an apply's.
   */
  look(plan: Plan, now: number, known: Known): Look {
    const { applied } = known;
    const ended = endedModels(plan, known);
    const events: Watched[] = [];
    for (const change of plan.changes) {
      const { model } = change;
      const watch = this.#watchOf(model, now);
      const why = change.action === 'blocked' ? undefined : ended.get(model);
      if (why === undefined) {
        if (watch.next !== null) Object.assign(watch, { since: now, next: null });
      } else if (watch.next === null) events.push(this.#decide(model, why, watch, now));
      if (applied.has(model)) events.push(...this.#obstacle(change, ended.get(model) ?? null, now));
    }
    const seen = new Set(plan.changes.map(({ model }) => model));
    for (const model of this.#watches.keys()) if (!seen.has(model)) this.#watches.delete(model);
    const isDue = ([model, { next }]: readonly [string, Watch]) => ended.has(model) && next !== null && next.at <= now;
    const due = [...this.#watches].filter(isDue).map(([model]) => model);
    return { due: [...due, ...lost(plan, known)], events };
  }

  /** These were started anew, or were tried to be. */
  started(models: readonly string[], now: number): void {
    for (const model of models) Object.assign(this.#watchOf(model, now), { since: now, next: null });
  }

  /** Somebody says to look: nothing waits any longer. How often each ended is still known. */
  hurry(): void {
    for (const { next } of this.#watches.values()) if (next !== null) next.at = 0;
  }

  /** What waits for its next start. */
  waiting(): readonly Due[] {
    return [...this.#watches].flatMap(([model, { next, crashes }]) => (next === null ? [] : [{ model, ...next, times: crashes.inARow() }]));
  }

  #obstacle(change: Change, why: string | null, now: number): readonly Watched[] {
    const { model } = change;
    if (change.action !== 'blocked') {
      this.#blockedSince.delete(model);
      this.#reminders.forget(model);
      return [];
    }
    const since = this.#blockedSince.get(model) ?? now;
    this.#blockedSince.set(model, since);
    const { problem } = change;
    if (why === null && now - since < BUSY_MS) return [];
    return this.#reminders.isDue(model, `${problem.code} ${problem.summary}`, now) ? [{ type: 'blocked', model, why, problem }] : [];
  }

  #watchOf(model: string, now: number): Watch {
    const watch = this.#watches.get(model) ?? {
      crashes: countCrashes(this.#policy),
      since: now,
      next: null,
    };
    this.#watches.set(model, watch);
    return watch;
  }

  #decide(model: string, why: string, watch: Watch, now: number): Watched {
    const inMs = watch.crashes.next(now - watch.since) ?? this.#policy.capMs;
    watch.next = { at: now + inMs, why };
    return { type: 'waiting', model, why, inMs, times: watch.crashes.inARow() };
  }
}

/** Models that cannot be started anew, and whose clients are still sent to where their copy was: that does not wait. */
function lost({ changes }: Plan, { applied, busy }: Known): readonly string[] {
  const isLost = (change: Change) => change.action === 'blocked' && change.withdraws !== undefined && applied.has(change.model);
  return busy ? [] : changes.filter(isLost).map(({ model }) => model);
}

/**
 * Models that are to run as they were applied and do not, with what happened to them. Whether that was a crash, or a start of ours that
 * failed, is all the same. A copy that no client is sent to is none: so a run leaves it that was cut off before it published.
 */
function endedModels({ drift, changes }: Plan, { applied, unreached, busy }: Known): ReadonlyMap<string, string> {
  const crashed = new Map(
    drift.filter(({ reason }) => reason === 'crashed' || reason === 'gone').map(({ model, detail }) => [model, detail]),
  );
  const found = changes.flatMap((change): readonly [string, string][] => {
    const { model, wish, cause } = change;
    const why = crashed.get(model);
    if (change.action === 'blocked') return why === undefined ? [] : [[model, why]];
    const isAway = change.action === 'create' || (change.action === 'update' && change.cost.downtime === 'until-recreated');
    const isCutOff = change.action === 'update' && unreached.has(model);
    if (!(isAway || isCutOff) || wish === null || wish.specHash !== applied.get(model) || (busy && why === undefined)) return [];
    return [[model, why ?? `${isAway ? 'It is not there' : 'No client is sent to it'}: ${cause}.`]];
  });
  return new Map(found);
}
