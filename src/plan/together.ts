import type { Arrangement } from './arrange.ts';
import { lastStop } from './leaving.ts';
import { mustEndTogether } from './swap.ts';
import type { Course, Removal } from './verdict.ts';
import { list } from './words.ts';

/**
 * The same arrangements, where a change is one of a whole backend: what starts there waits until every old copy that leaves it has
 * ended. Stops of old before new wait for no start, so that nobody waits in a circle.
 */
export function endTogether(
  arrangements: ReadonlyMap<string, Arrangement>,
  courses: readonly Course[],
  removals: readonly Removal[],
): ReadonlyMap<string, Arrangement> {
  const backends = new Set(courses.filter(mustEndTogether).map(({ wish }) => wish.spec.backend));
  if (backends.size === 0) return arrangements;
  const all = new Map(arrangements);
  for (const { wish } of courses) {
    const { name } = wish.model;
    const arrangement = all.get(name);
    if (arrangement === undefined || !backends.has(wish.spec.backend)) continue;
    const others = [
      ...courses.filter((each) => each.wish.model.name !== name && arrangements.get(each.wish.model.name)?.replacement === 'swap'),
      ...removals,
    ];
    const ends = others.flatMap((each) => (backendOf(each) === wish.spec.backend ? (named(each) ?? []) : []));
    if (ends.length === 0) continue;
    const words = `for ${list(ends.map(({ model }) => model))} to end, because the server is started anew`;
    all.set(name, {
      ...arrangement,
      after: [...new Set([...arrangement.after, ...ends.map(({ step }) => step)])],
      waits: arrangement.waits === null ? words : `${arrangement.waits}, and ${words}`,
    });
  }
  return all;
}

function backendOf(verdict: Course | Removal): string {
  return verdict.kind === 'run' ? verdict.wish.spec.backend : verdict.backend;
}

/** The step that ends the last old copy, and whose it is; null: none leaves. */
function named(verdict: Course | Removal): { readonly model: string; readonly step: string } | null {
  const step = lastStop(verdict);
  return step === null ? null : { step, model: verdict.kind === 'run' ? verdict.wish.model.name : verdict.model };
}
