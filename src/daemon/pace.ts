import { countCrashes, type RestartPolicy } from '../domain/backoff.ts';
import type { Trigger } from '../domain/generation.ts';
import type { HeldModel } from '../domain/daemon-picture.ts';
import { WHOLE_STACK } from '../domain/holds.ts';
import type { Change, Drift, Plan } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import { CrashWatch, Reminders, type Due, type Known, type Watched } from '../stack/crash-watch.ts';

/** What is told of a look. `leftAs`: why nothing comes of it. Absent: it is mended, as far as its policy says so. */
export type Paced =
  | (Watched & { readonly leftAs?: LeftAs })
  | { readonly type: 'drift'; readonly drift: Drift; readonly leftAs?: LeftAs }
  /** Somebody else changes back what was put right, again and again. `flips`: what was seen, oldest first. */
  | { readonly type: 'held'; readonly model: string; readonly field: string; readonly flips: readonly Flip[] };

/** Why a model is not mended: somebody suspended it, or the stack, or somebody else changes it back each time. */
export type LeftAs = 'suspended' | 'stack-suspended' | 'held' | 'kept';

/** A setting that had moved by itself and was put right. */
export interface Flip {
  /** ISO 8601. */
  readonly at: string;
  /** One sentence. */
  readonly detail: string;
}

/** What is to be done now, and what waits. */
export interface Decision {
  readonly due: readonly string[];
  /** Those of them that run no longer as they were applied. */
  readonly restarts: readonly string[];
  /** True: nothing that could be done waits, and no model is left alone. */
  readonly whole: boolean;
  readonly trigger: Trigger;
  readonly events: readonly Paced[];
  /** Models that cannot be brought to where they are wanted just now, so that they are looked after as they were applied. */
  readonly left: ReadonlySet<string>;
  /** What is tried again, and when, on the clock of the looks. */
  readonly waiting: readonly Due[];
  /** What keeps a model from being acted on at all, by model. */
  readonly blocked: readonly Problem[];
  /** Models that are left to whoever changes them back. */
  readonly held: readonly HeldModel[];
  /** Models that are not where they are wanted, and suspended. */
  readonly asleep: readonly string[];
}

/** Times on two clocks: one that never jumps, in milliseconds, and the wall's for people, ISO 8601. */
export interface Now {
  readonly ms: number;
  readonly iso: string;
}

/** A change that was tried and is wanted still comes again after this long. A model that was well for a minute begins anew. */
export const RETRIES: RestartPolicy = { firstMs: 2000, factor: 2, capMs: 300_000, giveUpAfter: Infinity, healthyMs: 60_000 };
/** As often within this time, in milliseconds, the same is put right before it is left to whoever changes it back. */
const FLIPS = 3;
const FIGHT_MS = 60 * 60_000;
/** What an outsider does to a model, on purpose or by a program. A crash is none of it. */
const BY_OTHERS: ReadonlySet<Drift['reason']> = new Set(['edited', 'runtime-reset', 'gone', 'unexpected', 'unpublished']);

const BY_HAND = { instance: null, field: null, from: null, to: null, reason: 'edited', policy: 'correct' } as const;

interface Attempt {
  readonly what: string;
  readonly tries: ReturnType<typeof countCrashes>;
  nextAt: number;
  /** Since when nothing of it is wanted; null: something is. */
  wellSince: number | null;
  /** How long it was well before it was wanted again, in milliseconds. */
  wellMs: number;
}

interface Correction extends Flip {
  readonly ms: number;
}

/**
 * Remembers what was tried and says what may be done now: a new wish at once, the same again after growing pauses, a crash as
 * {@link CrashWatch} has it, and not at all what somebody else keeps changing back. Pure: time comes in.
 */
export class Pace {
  readonly #crashes = new CrashWatch();
  readonly #attempts = new Map<string, Attempt>();
  readonly #corrections = new Map<string, Correction[]>();
  readonly #reminders = new Reminders();
  /** By model: what it ran as when it was where it is wanted. */
  readonly #reached = new Map<string, string>();
  #undone: readonly Drift[] = [];
  #told: ReadonlySet<string> = new Set();

  /** A look at a fresh plan. `suspended`: models that are left alone. */
  look(plan: Plan, now: Now, known: Known, suspended: ReadonlySet<string>): Decision {
    const crash = this.#crashes.look(plan, now.ms, known);
    const crashed = new Map(this.#crashes.waiting().map((due) => [due.model, due]));
    const wanted = plan.changes.filter(isWanted);
    this.#undone = known.busy ? [] : this.#findUndone(plan, known);
    const held = this.#held(plan, now);
    this.#noteWell(wanted, now.ms);
    const free = wanted.filter(({ model }) => !crashed.has(model) && !held.has(model) && !suspended.has(model));
    const due = known.busy ? [] : free.filter((change) => this.#isDue(change, now.ms)).map(({ model }) => model);
    const restarts = crash.due.filter((model) => !suspended.has(model) && !held.has(model));
    const stuck = plan.changes.flatMap(obstacleOf);
    const later = free.filter(({ model }) => !due.includes(model));
    const leave = <E extends Paced>(event: E): E => {
      const model = modelOf(event);
      if (suspended.has(WHOLE_STACK)) return { ...event, leftAs: 'stack-suspended' };
      if (suspended.has(model)) return { ...event, leftAs: 'suspended' };
      return held.has(model) ? { ...event, leftAs: 'held' } : event;
    };
    return {
      due: [...new Set([...due, ...restarts])],
      restarts,
      whole: suspended.size + held.size === 0 && wanted.every(({ model }) => due.includes(model) || restarts.includes(model)),
      trigger: triggerOf(wanted, due, new Set(this.#undone.map(({ model }) => model))),
      events: [...[...(known.busy ? [] : this.#drifts(plan, now.ms)), ...crash.events].map(leave), ...this.#tellHeld(held, now.ms)],
      left: new Set([...stuck.map(({ model }) => model), ...held.keys(), ...later.map(({ model }) => model)]),
      waiting: [
        ...[...crashed.values()].filter(({ model }) => !suspended.has(model)),
        ...(known.busy ? [] : later.map((change) => this.#waits(change))),
      ], // for somebody, not for a time
      blocked: stuck,
      held: [...held].map(([model, [drift, flips]]) => ({ model, field: fieldOf(drift), why: whyHeld(flips) })),
      asleep: [...suspended].filter((model) => crashed.has(model) || wanted.some((change) => change.model === model)),
    };
  }

  /** A look while the whole stack is suspended: what ended is told, once, and nothing is due. */
  watch(plan: Plan, now: Now, known: Known): readonly Paced[] {
    const all = new Set([WHOLE_STACK, ...plan.changes.map(({ model }) => model)]);
    return this.look(plan, now, known, all).events.filter(({ type }) => type === 'waiting');
  }

  /** These were tried, as this plan had it. `isPreempted`: the run gave way to somebody else's crash, so that nothing of it was in vain. */
  acted(models: readonly string[], plan: Plan, now: Now, isPreempted = false): void {
    if (!isPreempted) this.#crashes.started(models, now.ms);
    for (const change of isPreempted ? [] : plan.changes.filter(({ model }) => models.includes(model))) this.#count(change, now.ms);
    for (const drift of this.#meddling(plan)) if (models.includes(drift.model)) this.#correct(drift, now);
  }

  /** What was given up on is tried anew: something else is wanted now, or a person says so. */
  forget(): void {
    this.#reached.clear();
    this.#attempts.clear();
    this.#corrections.clear();
  }

  /** A person says to look: nothing waits any longer, a crash neither. */
  hurry(): void {
    this.forget();
    this.#crashes.hurry();
  }

  #isDue(change: Change, ms: number): boolean {
    const attempt = this.#attempts.get(change.model);
    return attempt?.what !== whatOf(change) || attempt.nextAt <= ms;
  }

  #count(change: Change, ms: number): void {
    const known = this.#attempts.get(change.model);
    const what = whatOf(change);
    const tries = known?.what === what ? known.tries : countCrashes(RETRIES);
    const pause = tries.next(known?.wellMs ?? 0) ?? RETRIES.capMs;
    this.#attempts.set(change.model, { what, tries, nextAt: ms + pause, wellSince: null, wellMs: 0 });
  }

  /** The pause itself, or a start that took its time and failed, is no time for which a model was well. */
  #noteWell(wanted: readonly Change[], ms: number): void {
    const open = new Set(wanted.map(({ model }) => model));
    for (const [model, attempt] of this.#attempts) {
      attempt.wellSince = open.has(model) ? null : (attempt.wellSince ?? ms);
      if (attempt.wellSince !== null) attempt.wellMs = ms - attempt.wellSince;
    }
  }

  #waits(change: Change): Due {
    const attempt = this.#attempts.get(change.model);
    return { model: change.model, why: `${change.cause}.`, at: attempt?.nextAt ?? 0, times: attempt?.tries.inARow() ?? 0 };
  }

  #correct(drift: Drift, { ms, iso }: Now): void {
    const key = fightOf(drift);
    this.#corrections.set(key, [...this.#recent(key, ms), { ms, at: iso, detail: drift.detail }]);
  }

  #recent(key: string, ms: number): readonly Correction[] {
    return (this.#corrections.get(key) ?? []).filter((one) => ms - one.ms < FIGHT_MS);
  }

  #held(plan: Plan, { ms }: Now): ReadonlyMap<string, readonly [Drift, readonly Flip[]]> {
    const fights = this.#meddling(plan).map((drift) => [drift, this.#recent(fightOf(drift), ms)] as const);
    return new Map(fights.filter(([, flips]) => flips.length >= FLIPS).map((fight) => [fight[0].model, fight]));
  }

  #tellHeld(held: ReadonlyMap<string, readonly [Drift, readonly Flip[]]>, ms: number): readonly Paced[] {
    return [...held].flatMap(([model, [drift, flips]]): readonly Paced[] => {
      const field = fieldOf(drift);
      return this.#reminders.isDue(`held ${model}`, field, ms) ? [{ type: 'held', model, field, flips }] : [];
    });
  }

  #meddling({ drift }: Plan): readonly Drift[] {
    return [...drift.filter(isMeddling), ...this.#undone];
  }

  /** What was where it is wanted, and was applied otherwise since: by a person at another clone, or a script. */
  #findUndone({ changes }: Plan, { applied }: Known): readonly Drift[] {
    for (const { action, model, wish } of changes) if (action === 'keep' && wish !== null) this.#reached.set(model, wish.specHash);
    const undone = changes.filter(({ model, wish, correctsDrift, action }) => {
      const isOurs =
        wish !== null && action !== 'keep' && action !== 'blocked' && !correctsDrift && this.#reached.get(model) === wish.specHash;
      return isOurs && applied.has(model) && applied.get(model) !== wish.specHash;
    });
    return undone.map(({ model, backend, cause }) => ({
      ...BY_HAND,
      model,
      backend,
      detail: `Somebody applied other settings: ${cause}.`,
    }));
  }

  #drifts(plan: Plan, ms: number): readonly Paced[] {
    const drift = [...plan.drift, ...this.#undone, ...unnamed(plan)];
    const told = drift.filter(({ reason, policy }) => reason !== 'crashed' && policy !== 'ignore');
    const now = new Set(told.map(fightOf));
    for (const key of this.#told) if (!now.has(key)) this.#reminders.forget(`drift ${key}`);
    this.#told = now;
    return told
      .filter((one) => this.#reminders.isDue(`drift ${fightOf(one)}`, `${one.reason} ${one.detail}`, ms))
      .map((one) => ({ type: 'drift', drift: one }));
  }
}

function isWanted({ action }: Change): boolean {
  return action !== 'keep' && action !== 'blocked';
}

function isMeddling({ reason, policy }: Drift): boolean {
  return policy === 'correct' && BY_OTHERS.has(reason);
}

/** What is put right though no setting of it moved: a model that the engine's server threw out of memory. */
function unnamed({ changes, drift }: Plan): readonly Drift[] {
  const named = new Set(drift.map(({ model }) => model));
  const more = changes.filter((change) => isWanted(change) && change.correctsDrift && !named.has(change.model));
  return more.map(({ model, backend, cause }) => ({ ...BY_HAND, reason: 'runtime-reset', model, backend, detail: `${cause}.` }));
}

/** What two managers fight about, for people. */
function fieldOf({ field }: Drift): string {
  return field ?? 'the whole model';
}

/** What was seen of a second manager, one sentence or more. */
export function whyHeld(flips: readonly Flip[]): string {
  return `It was put right ${flips.length} times and changed back each time: ${flips.map(({ at, detail }) => `${at} ${detail}`).join(' ')}`;
}

/** What keeps a change from being made, about its model, with why it failed where that was tried. */
function obstacleOf(change: Change): readonly (Problem & { readonly model: string })[] {
  if (change.action !== 'blocked') return [];
  const { model, problem, failedBefore } = change;
  const why = failedBefore === undefined ? '' : ` It failed so: ${failedBefore.summary}`;
  return [{ ...problem, model, summary: `${problem.summary}${why}` }];
}

function fightOf({ model, field, reason }: Drift): string {
  return `${model} ${field ?? reason}`;
}

/** Two changes of a model that say the same are one that was tried before. */
function whatOf({ action, wish }: Change): string {
  return `${action} ${wish?.specHash ?? '-'}`;
}

function triggerOf(wanted: readonly Change[], due: readonly string[], undone: ReadonlySet<string>): Trigger {
  const others = wanted.filter(({ model }) => due.includes(model));
  if (others.some(({ model, correctsDrift }) => !correctsDrift && !undone.has(model))) return 'release';
  return others.length > 0 ? 'drift' : 'crash';
}

/** Name of the model that something is told of. */
export function modelOf(event: Paced): string {
  return event.type === 'drift' ? event.drift.model : event.model;
}
