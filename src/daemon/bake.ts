import type { Bake } from '../domain/holds.ts';
import type { Plan } from '../domain/plan.ts';
import type { Decision } from './pace.ts';
import type { Release } from './types.ts';

/** What a release that is watched has come to. */
export type BakeVerdict =
  | { readonly kind: 'none' }
  /** Its time is over, and it held. */
  | { readonly kind: 'good' }
  /** It did not hold. `why`: one sentence. */
  | { readonly kind: 'bad'; readonly why: string };

/** How a release is to be watched whose changes are about to be applied; null: it changes nothing that runs. `targets` empty: all. */
export function bakeFor({ id, commit, session }: Release, plan: Plan, targets: readonly string[], previous: number | null): Bake | null {
  const changed = plan.changes.filter(({ model, action, correctsDrift }) => {
    const isMeant = targets.length === 0 || targets.includes(model);
    return isMeant && !correctsDrift && (action === 'create' || action === 'update');
  });
  const models = Object.fromEntries(changed.flatMap(({ model, wish }) => (wish === null ? [] : [[model, wish.specHash]])));
  const times = session.desired.models.filter(({ name }) => models[name] !== undefined).map(({ rollout }) => rollout.bakeMs);
  const ms = Math.max(0, ...times);
  return ms === 0 ? null : { release: id, commit, previous, models, since: null, ms, unwatched: false, boot: null };
}

/**
 * Judges what is baked by readiness: one of its models that ended by itself within its time is enough. `servedMs`: since it began
 * to serve; a clock that was set back makes it negative, and then its time is taken to be over.
 */
export function judgeBake(bake: Bake, plan: Plan, { waiting }: Decision, servedMs: number): BakeVerdict {
  const isBaked = (model: string, instance: string | null) => instance === `${model}-${bake.models[model]}`; // and not the copy before it
  const ended = plan.drift.find(({ model, instance, reason }) => reason === 'crashed' && isBaked(model, instance));
  if (ended && waiting.some(({ model }) => model === ended.model))
    return { kind: 'bad', why: `${ended.model} did not hold for ${minutes(bake.ms)} after its change. ${ended.detail}` };
  return servedMs < 0 || servedMs >= bake.ms ? { kind: 'good' } : { kind: 'none' };
}

function minutes(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1000)} s`;
}
