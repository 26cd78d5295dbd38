import { modelOfCopy } from '../domain/copies.ts';
import type { Problem } from '../domain/problem.ts';
import { blocked } from './judge.ts';
import type { Context } from './sight.ts';
import { mustEndTogether } from './swap.ts';
import { modelOf, type Course, type Verdict } from './verdict.ts';
import { placeOf } from './wish.ts';
import { list } from './words.ts';

/** Blocks a change for which every old copy of a backend must end, while some there are left as they are. */
export function holdTogether(context: Context, verdicts: readonly Verdict[]): readonly Verdict[] {
  if (!verdicts.some((verdict) => verdict.kind === 'run' && mustEndTogether(verdict))) return verdicts;
  const acted = new Set(verdicts.filter(({ kind }) => kind === 'run' || kind === 'remove').map(modelOf));
  return verdicts.map((verdict) => {
    if (verdict.kind !== 'run' || !mustEndTogether(verdict)) return verdict;
    const stay = staying(context, verdict, acted);
    if (stay.length === 0) return verdict;
    const { wish, drift, failedBefore } = verdict;
    const place = placeOf(context.input.desired, wish.model.name);
    return blocked(wish.model, place, [othersStay(verdict, stay)], wish, drift, failedBefore);
  });
}

/** Models with a copy on the same backend about which nothing is done. */
function staying({ world }: Context, { wish }: Course, acted: ReadonlySet<string>): readonly string[] {
  const copies = [...world.ours.values()].flat().filter(({ backend }) => backend === wish.spec.backend);
  return [...new Set(copies.map(modelOfCopy))].filter((model) => !acted.has(model));
}

function othersStay({ wish }: Course, stay: readonly string[]): Problem {
  const { name } = wish.model;
  return {
    severity: 'error',
    code: 'needs-server-restart',
    summary: `${name} is left as it is: the server of backend ${wish.spec.backend} has to be started anew for it, and ${list(stay)}, about which nothing is done, would be cut.`,
    fix: 'Apply without --target, after what blocks the others is mended.',
  };
}
