import type { ObservedInstance } from '../domain/observed.ts';
import type { Drift, DriftReason } from '../domain/plan.ts';
import { compareCopy, fieldDrift } from './compare.ts';
import type { Sight } from './sight.ts';
import { clause } from '../domain/text.ts';

/**
 * What moved outside llmops since the last apply. Without a record of an apply there is no drift of whole copies: then
 * nothing is known to have been otherwise. What a cut-off run of ours left behind is no drift either.
 */
export function driftOf(sight: Sight): Drift[] {
  return [...fieldsMoved(sight), ...copiesMoved(sight)];
}

/** Fields of the wished copy, or of the one before it as far as that was recorded. */
function fieldsMoved({ wish, target, comparison, others, applied, traitsOf }: Sight): Drift[] {
  if (target !== null) return comparison === null ? [] : fieldDrift(wish.model, target, comparison);
  const old = others[0];
  if (old === undefined || old.phase === 'failed' || applied === null || old.specHash !== applied.specHash) return [];
  const traits = traitsOf(old); // it may move to another kind of engine, which would read its settings otherwise
  return traits === null ? [] : fieldDrift(wish.model, old, compareCopy(old, applied.fields, traits, applied));
}

function copiesMoved(sight: Sight): Drift[] {
  const { wish, target, others, hidden, applied, appliedSeen, endpoint, interrupted } = sight;
  if (applied === null) return [];
  const drift: Drift[] = [];
  const add = (reason: DriftReason, copy: ObservedInstance | null, detail: string): void => {
    const instance = copy?.id ?? `${wish.model.name}-${applied.specHash}`;
    const alive = copy?.lastAliveAt === undefined ? {} : { lastAliveAt: copy.lastAliveAt };
    drift.push({ ...whole, model: wish.model.name, backend: copy?.backend ?? applied.backend, instance, reason, detail, ...alive });
  };
  const right = applied.specHash === wish.spec.specHash;
  const none = target === null && others.length + hidden.length === 0;
  if (none && appliedSeen && endpoint !== null && !interrupted) {
    add('gone', null, `It was applied as generation ${applied.generation} and is not there any more.`);
  }
  for (const copy of target === null ? others : [target]) {
    if (copy.phase === 'failed' && copy.specHash === applied.specHash) add('crashed', copy, `It ended by itself: ${reasonOf(copy)}.`);
  }
  for (const copy of unexplained(sight)) add('unexpected', copy, 'A copy that no apply left there.');
  if (right && target?.phase === 'serving' && endpoint !== null && !sight.published && !interrupted && others.length === 0) {
    add('unpublished', target, nameMoved(sight) ?? `Clients are sent to ${endpoint.url} (${endpoint.instance}) instead.`);
  }
  return drift;
}

/** Copies that neither a record nor a cut-off run accounts for. */
function unexplained({ target, others, applied, wish, interrupted }: Sight): readonly ObservedInstance[] {
  if (interrupted || applied === null) return [];
  if (target === null && applied.specHash !== wish.spec.specHash)
    return others.filter((copy) => copy.specHash !== applied.specHash).slice(1);
  return others.filter((copy) => copy.specHash !== applied.specHash);
}

/** Clients know the address and are led elsewhere by the model's name, or nowhere; null: that is not it. */
export function nameMoved({ wish, target, endpoint }: Sight): string | null {
  const { name } = wish.model;
  if (target?.names === undefined || target.names.includes(name) || endpoint?.instance !== target.id) return null;
  return `The name ${name} does not lead to it any more at ${endpoint.url}.`;
}

/** Presence is not subject to a field's drift policy: a declared model runs, once, or the plan says why not. */
const whole = { field: null, from: null, to: null, policy: 'correct' } as const;

/** Why a copy ended, to be used within a sentence. */
export function reasonOf(copy: ObservedInstance): string {
  return copy.problem === null ? 'its process is gone' : clause(copy.problem.summary);
}
