import type { ObservedInstance } from '../domain/observed.ts';
import { takenPort, type PortHolder } from './obstacles.ts';
import { copiesByPort, endings, portFor } from './ports.ts';
import type { Context } from './sight.ts';
import type { Blocked, Course, Verdict } from './verdict.ts';
import { intended } from './causes.ts';
import { placeOf } from './wish.ts';
import { at } from './words.ts';

/**
 * Blocks what cannot be done because of something that other models leave undone, until nothing is left that rests on it:
 * a blocked model ends no copy, so whoever waited for that is blocked as well.
 */
export function holdBack(context: Context, verdicts: readonly Verdict[]): readonly Verdict[] {
  for (let now = verdicts; ;) {
    const next = holdBackOnce(context, now);
    if (next.every((verdict, index) => verdict === now[index])) return now;
    now = next;
  }
}

function holdBackOnce(context: Context, verdicts: readonly Verdict[]): readonly Verdict[] {
  if (verdicts.every((verdict) => portFor(verdict) === null)) return verdicts;
  const [holders, ends] = [copiesByPort(context.world), endings(verdicts)];
  const byModel = new Map(verdicts.map((verdict) => [verdict.kind === 'run' ? verdict.wish.model.name : verdict.model, verdict]));
  return verdicts.map((verdict) => {
    const port = portFor(verdict);
    const kept = port === null ? undefined : (holders.get(port) ?? []).find((copy) => !ends.has(copy));
    return kept === undefined || verdict.kind !== 'run' ? verdict : refuse(context, verdict, holderOf(context, kept, byModel));
  });
}

function refuse({ input }: Context, { wish, drift }: Course, holder: PortHolder): Blocked {
  const { name, backend } = wish.model;
  const place = placeOf(input.desired, name);
  const cause = intended(`it is declared at ${at(place)}`, place);
  return { kind: 'blocked', model: name, backend, problem: takenPort(input.desired, wish, holder), wish, drift, ...cause };
}

/** Why a copy keeps its port: what a person can do about it depends on that. */
function holderOf({ input }: Context, copy: ObservedInstance, verdicts: ReadonlyMap<string, Verdict>): PortHolder {
  if (copy.owner === 'foreign') return { copy, stays: 'foreign' };
  const verdict = verdicts.get(copy.model ?? '');
  if (verdict === undefined) return { copy, stays: input.targets.length > 0 ? 'not-targeted' : 'kept' };
  return { copy, stays: verdict.kind === 'blocked' ? 'blocked' : 'kept' };
}
