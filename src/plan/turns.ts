import { PORT_FIELD } from '../domain/fields.ts';
import type { Desired } from '../domain/desired.ts';
import type { Arrangement } from './arrange.ts';
import { modelsOf } from './leaving.ts';
import { inOrder } from './order.ts';
import type { Ports } from './ports.ts';
import { placeOf } from './wish.ts';
import { at, list } from './words.ts';

/** The models in the order of their names, but for those whose port another one gives up. In a circle nobody can be the last. */
export function inPortOrder(models: readonly string[], { waits, circles }: Ports): readonly string[] {
  const names = new Set(models);
  const nodes = models.map((id) => {
    const others = circles.has(id) ? [] : (waits.get(id) ?? []).map(({ model }) => model);
    return { id, after: others.filter((name) => names.has(name)) };
  });
  return inOrder(nodes).map(({ id }) => id);
}

/** The same arrangement, with a start that also waits for its port. */
export function afterPorts(desired: Desired, model: string, arrangement: Arrangement, { waits }: Ports): Arrangement {
  const own = waits.get(model) ?? [];
  const [first] = own;
  if (first === undefined) return arrangement;
  const holders = [...new Set(own.map(({ whose }) => whose))];
  const place = placeOf(desired, model, PORT_FIELD);
  const words = `for ${list(holders)} to end, which ${holders.length === 1 ? 'holds' : 'hold'} port ${first.port} (${PORT_FIELD}${place === null ? '' : ` at ${at(place)}`})`;
  return {
    ...arrangement,
    after: [...new Set([...arrangement.after, ...own.map(({ step }) => step)])],
    waits: arrangement.waits === null ? words : `${arrangement.waits}, and ${words}`,
  };
}

/**
 * Of old before new, the old copy serves until the port that its successor takes is free, instead of being ended first and
 * leaving a gap that is as long as the other model's drain. Not where the other one, by whatever way, waits for this one.
 */
export function serveUntilFree(
  arrangements: ReadonlyMap<string, Arrangement>,
  { waits, circles }: Ports,
): ReadonlyMap<string, Arrangement> {
  const patient = [...waits.keys()].filter((model) => !circles.has(model) && arrangements.get(model)?.replacement === 'swap');
  if (patient.length === 0) return arrangements;
  const all = new Map(arrangements);
  for (const model of patient) {
    const arrangement = all.get(model);
    const holders = waits.get(model) ?? [];
    if (arrangement === undefined || holders.some((holder) => waitsFor(all, holder.model, model))) continue;
    const before = holders.map(({ step }) => step);
    all.set(model, { ...arrangement, before, after: arrangement.after.filter((step) => !before.includes(step)) });
  }
  return all;
}

function waitsFor(arrangements: ReadonlyMap<string, Arrangement>, from: string, to: string): boolean {
  const reached = new Set([from]);
  for (const model of reached) {
    const { after = [], before = [] } = arrangements.get(model) ?? {};
    for (const next of modelsOf([...after, ...before])) reached.add(next);
  }
  return reached.has(to);
}
