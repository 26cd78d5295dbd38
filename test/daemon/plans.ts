import type { Change, Drift, Plan } from '../../src/domain/plan.ts';
import type { Known } from '../../src/stack/crash-watch.ts';

/** A plan as a test tells it: by model what is to be done, and what moved. */
export function planOf(changes: Readonly<Record<string, Partial<Change> | Change['action']>>, drift: readonly Partial<Drift>[] = []): Plan {
  const all = Object.entries(changes).map(([model, told]) => {
    const more = typeof told === 'string' ? { action: told } : told;
    const wish = { specHash: `${model}-hash`, instance: `${model}-1`, fields: {} };
    return { model, cause: 'told', correctsDrift: false, cost: { downtime: 'none' }, wish, problem: { code: 'x', summary: 'X.' }, ...more };
  });
  return { changes: all, drift, problems: [], steps: [], interrupted: [] } as unknown as Plan;
}

/** A setting of a model that moved by itself. */
export function moved(model: string, more: Partial<Drift> = {}): Partial<Drift> {
  return { model, field: 'context', reason: 'runtime-reset', policy: 'correct', detail: `${model} moved.`, ...more };
}

/** These were applied as they are wanted. */
export function appliedOf(...models: readonly string[]): Known {
  return { applied: new Map(models.map((model) => [model, `${model}-hash`])), unreached: new Set(), busy: false };
}

export const NOTHING_APPLIED = appliedOf();
