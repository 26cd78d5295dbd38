import type { DriftPolicy, ModelSpec } from '../domain/desired.ts';
import { plainly, type Fields, type Scalar } from '../domain/fields.ts';
import { USUAL_DRAIN_MS, type AppliedModel, type ObservedInstance } from '../domain/observed.ts';
import type { Drift, DriftReason, FieldChange } from '../domain/plan.ts';
import type { Place } from '../domain/problem.ts';
import { priceOf, shapesProcess, type Wish } from './wish.ts';
import type { BackendTraits } from './input.ts';
import { duration, value } from './words.ts';

/** One copy, field by field, against the settings it should run with. */
export interface Comparison {
  /** Fields that are in force as they should be. */
  readonly unchanged: number;
  /** Fields that nobody can vouch for: shown, and not acted on. */
  readonly unverified: readonly string[];
  readonly differing: readonly Difference[];
}

interface Difference {
  readonly field: string;
  /** What is in force. */
  readonly from: Scalar;
  /** What should be. */
  readonly to: Scalar;
  readonly reason: Extract<DriftReason, 'runtime-reset' | 'edited' | 'unfulfilled'>;
}

/**
 * Compares a copy with the settings it was started with. What the engine has loaded counts first, then what it was
 * told, then what was last applied; a field that none of them tells is unverified. A null setting was left to the
 * engine and is not compared.
 */
export function compareCopy(copy: ObservedInstance, should: Fields, traits: BackendTraits, applied: AppliedModel | null): Comparison {
  const record = applied !== null && applied.specHash === copy.specHash ? applied.fields : {};
  const unverified: string[] = [];
  const differing: Difference[] = [];
  let unchanged = 0;
  for (const [field, to] of Object.entries(should)) {
    if (to === null || !shapesProcess(traits, field)) continue;
    const told = copy.configured[field] ?? null;
    const from = copy.loaded?.[field] ?? told ?? record[field] ?? null;
    const match = from === null ? null : (traits.compare ?? plainly)(field, to, from, should);
    if (from === null) unverified.push(field);
    else if (match === 'same') unchanged += 1;
    else differing.push({ field, from, to, reason: told !== to ? 'edited' : match === 'unfulfilled' ? 'unfulfilled' : 'runtime-reset' });
  }
  return { unchanged, unverified, differing };
}

/** What the model's owner wants done about a field that moved by itself. */
export function policyOf(model: ModelSpec, field: string): DriftPolicy {
  return model.drift.fields[field] ?? model.drift.fields[field.split('.')[0] ?? field] ?? model.drift.default;
}

const HOW: Readonly<Record<Difference['reason'], string>> = {
  edited: 'it was started with another value',
  'runtime-reset': 'it was told the right value and does not use it',
  unfulfilled: 'it was told the right value, and here it cannot be had',
};

/** Differences as drift, with the policy of each field. */
export function fieldDrift(model: ModelSpec, copy: ObservedInstance, comparison: Comparison): Drift[] {
  return comparison.differing.map(({ field, from, to, reason }) => {
    // A restart would not change what cannot be done here: it is said, and left.
    const policy = reason === 'unfulfilled' && policyOf(model, field) === 'correct' ? 'warn' : policyOf(model, field);
    return {
      model: model.name,
      backend: copy.backend,
      instance: copy.id,
      field,
      from: to,
      to: from,
      reason,
      policy,
      detail: `${field} is ${value(from)} and should be ${value(to)}: ${HOW[reason]}.`,
    };
  });
}

/** The settings that differ between a copy of an earlier spec and the wish, and how many are the same. */
export interface SpecChange {
  readonly fields: readonly FieldChange[];
  readonly unchanged: number;
  readonly unverified: readonly string[];
}

/**
 * What changes when a copy is replaced by the wish. The old side is what was declared then, if that is known, else what
 * the copy was told.
 */
export function changeOfSpec(
  copy: ObservedInstance,
  wish: Wish,
  applied: AppliedModel | null,
  place: (field: string) => Place | null,
): SpecChange {
  const declared = applied !== null && applied.specHash === copy.specHash ? applied.fields : null;
  const fields: FieldChange[] = [];
  const unverified: string[] = [];
  let unchanged = 0;
  const moves = copy.backend !== wish.spec.backend;
  if (moves) fields.push({ field: 'backend', from: copy.backend, to: wish.spec.backend, price: 'restart', place: place('backend') });
  // Another type of backend has other settings: only what the wish says can be compared with what was.
  for (const [field, to] of Object.entries({ ...nulls(moves ? {} : (declared ?? {})), ...wish.spec.fields })) {
    const known = declared !== null && field in declared;
    const from = known ? (declared[field] ?? null) : (copy.configured[field] ?? null);
    if (from === to) unchanged += to === null ? 0 : 1;
    else if (from === null && !known) unverified.push(field);
    else fields.push({ field, from, to, price: priceOf(wish.traits, field), place: place(field) });
  }
  return { fields, unchanged, unverified: unverified.filter((field) => shapesProcess(wish.traits, field)) };
}

/** What costs nothing to change and is not on record yet: settings that shape no process, and protection. */
export function liveChanges(wish: Wish, applied: AppliedModel | null, place: (field: string) => Place | null): FieldChange[] {
  if (applied === null) return [];
  const live = Object.entries(wish.spec.fields).filter(([field]) => !shapesProcess(wish.traits, field));
  const rows: [string, Scalar, Scalar][] = live.map(([field, to]) => [field, applied.fields[field] ?? null, to]);
  rows.push(['protect', applied.protect, wish.model.protect]);
  rows.push(['rollout.drain', duration(applied.drainMs ?? USUAL_DRAIN_MS), duration(wish.model.rollout.drainMs)]);
  return rows.filter(([, from, to]) => from !== to).map(([field, from, to]) => ({ field, from, to, price: 'live', place: place(field) }));
}

function nulls(fields: Fields): Fields {
  return Object.fromEntries(Object.keys(fields).map((field) => [field, null]));
}
