import { isOver, watchedAt, type Bake, type Watched } from '../domain/holds.ts';
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
 * A release that comes while the one before is watched still: what that one changed, and this one leaves, is watched to the end of
 * its time, and neither has held before it is over, so the way back is that of the first. `fresh` null: the new one changes
 * nothing that is to be watched.
 */
export function withOlder(
  fresh: Bake | null,
  before: Bake | null,
  by: Pick<Release, 'id' | 'commit'> & { readonly wallMs: number },
): Bake | null {
  const previous = before && watchedAt(before, by.wallMs).previous;
  if (before === null || previous === null) return fresh; // of what came first of all there is no way back
  const older = [...(before.older ?? []), ...ownOf(before)].filter(
    (one) => fresh?.models[one.model] === undefined && !isOver(one, by.wallMs),
  );
  if (older.length === 0) return fresh;
  const none = { release: by.id, commit: by.commit, models: {}, since: null, ms: 0, unwatched: before.unwatched, boot: null };
  return { ...(fresh ?? none), previous, thenPrevious: fresh?.previous ?? null, older };
}

/** What its own release changed; nothing, if that never came to serve. */
function ownOf({ release, commit, models, since, ms }: Bake): readonly Watched[] {
  return since === null ? [] : Object.entries(models).map(([model, runsAs]) => ({ release, commit, model, runsAs, since, ms }));
}

/**
 * Judges what is baked by readiness: one of its models that ended by itself within its time is enough. `servedMs`: since it began
 * to serve; a clock that was set back makes it negative, and then its time is taken to be over.
 */
export function judgeBake(
  bake: Bake,
  plan: Plan,
  { waiting }: Decision,
  { servedMs, wallMs }: { readonly servedMs: number; readonly wallMs: number },
): BakeVerdict {
  const isOwnOver = servedMs < 0 || servedMs >= bake.ms;
  const { older } = watchedAt(bake, wallMs);
  const watched = new Map(older.map(({ model, runsAs, ms }) => [`${model}-${runsAs}`, ms])); // and not the copy before it
  const own = isOwnOver && older.length > 0 ? [] : Object.entries(bake.models); // what ended in its last moment is seen after it
  for (const [model, runsAs] of own) watched.set(`${model}-${runsAs}`, bake.ms);
  const isEnded = ({ reason, instance, model }: Plan['drift'][number]): boolean =>
    reason === 'crashed' && watched.has(instance ?? '') && waiting.some((due) => due.model === model);
  const ended = plan.drift.find(isEnded);
  if (ended)
    return {
      kind: 'bad',
      why: `${ended.model} did not hold for ${minutes(watched.get(ended.instance ?? '') ?? 0)} after its change. ${ended.detail}`,
    };
  return isOwnOver && older.length === 0 ? { kind: 'good' } : { kind: 'none' };
}

function minutes(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1000)} s`;
}
