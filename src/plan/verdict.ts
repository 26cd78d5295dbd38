import type { AppliedModel, Endpoint, FailedTry, ObservedInstance } from '../domain/observed.ts';
import type { Drift, FieldChange } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { Cause } from './causes.ts';
import type { Claim } from './claims.ts';
import type { Wish } from './wish.ts';

/** What is decided about one model, before memory is shared out and steps are written. */
export type Verdict = Blocked | Course | Removal | Spared;

/** What keeps a model from being acted on, the first of it first. */
export type Obstacles = readonly [Problem, ...Problem[]];

/** Nothing is done, and the problems say why. */
export interface Blocked extends Cause {
  readonly kind: 'blocked';
  readonly model: string;
  readonly backend: string;
  readonly problems: Obstacles;
  /** null: it shall not run, or that cannot be worked out. */
  readonly wish: Wish | null;
  readonly drift: readonly Drift[];
  /** The last start of exactly this failed; null: it did not. */
  readonly failedBefore: FailedTry | null;
}

/** Declared in a way that this version does not act on: what runs is left alone. */
export interface Spared extends Cause {
  readonly kind: 'spared';
  readonly model: string;
  readonly backend: string;
}

/**
 * `nothing`: the wished copy serves · `await`: it is loading · `start`: there is none, or it failed ·
 * `restart`: there is one, and it must end first because its successor has the same name.
 */
export type Need = 'nothing' | 'await' | 'start' | 'restart';

/** A model that is to run, and the way there. */
export interface Course extends Cause {
  readonly kind: 'run';
  readonly wish: Wish;
  readonly need: Need;
  /** Somebody else's copy that is the target; null: the target is ours, or there is none. */
  readonly claim: Claim | null;
  /** That copy becomes ours. */
  readonly adopts: boolean;
  /** The copy with the wished settings, if there is one. */
  readonly target: ObservedInstance | null;
  /** Copies of ours that must go, the one that counts most first. */
  readonly others: readonly ObservedInstance[];
  readonly fields: readonly FieldChange[];
  readonly unchanged: number;
  readonly unverified: readonly string[];
  readonly drift: readonly Drift[];
  readonly applied: AppliedModel | null;
  readonly endpoint: Endpoint | null;
  /** If there is to be a gap, clients are told so. False while an old copy that cannot be seen may still serve them. */
  readonly withdraw: boolean;
  /** Clients must be sent to the wished copy anew. */
  readonly publish: boolean;
  /** The copy must answer before clients are sent to it. */
  readonly probe: boolean;
  /** The inventory does not say yet what will be so. */
  readonly record: boolean;
  readonly notes: readonly Problem[];
  /** The last start of exactly this failed; null: it did not, or nothing is started. */
  readonly failedBefore: FailedTry | null;
}

/** A model of ours that is to go. */
export interface Removal extends Cause {
  readonly kind: 'remove';
  readonly model: string;
  readonly backend: string;
  readonly copies: readonly ObservedInstance[];
  readonly applied: AppliedModel | null;
  readonly endpoint: Endpoint | null;
  /** Milliseconds. */
  readonly drainMs: number;
}

/** The name of the model that a verdict is about. */
export function modelOf(verdict: Verdict): string {
  return verdict.kind === 'run' ? verdict.wish.model.name : verdict.model;
}
