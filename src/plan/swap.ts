import type { SwapReason } from '../domain/backend.ts';
import type { Desired } from '../domain/desired.ts';
import { PORT_FIELD, type Fields } from '../domain/fields.ts';
import type { ObservedInstance } from '../domain/observed.ts';
import type { Ports } from './ports.ts';
import type { Context } from './sight.ts';
import type { Course } from './verdict.ts';
import { placeOf, type Wish } from './wish.ts';
import { at, list } from './words.ts';

/** Why old must end before new starts, whatever memory there is; null: that is open. */
export function reasonToSwap({ input }: Context, { need, wish, others, applied }: Course, { circles }: Ports): string | null {
  const { name, rollout } = wish.model;
  if (need === 'restart') return 'same settings, same name: the old copy must end first';
  if (others.length === 0) return null;
  if (!others.some((copy) => copy.phase === 'serving')) return 'the old copy does not serve';
  if (rollout.strategy === 'swap') return `rollout.strategy is swap (${at(placeOf(input.desired, name, 'rollout.strategy'))})`;
  for (const copy of others) {
    const reason = wish.traits.mustSwap(wish.model, wish.backend, settingsOf(copy, applied), wish.artifact);
    if (reason !== null) return swapWords(input.desired, wish, reason);
  }
  const circle = circles.get(name);
  return circle === undefined ? null : `${list(circle)} take each other's ports, so their old copies end first`;
}

/** True if this change is one of its whole backend: see {@link SwapReason}. */
export function mustEndTogether({ need, wish, others, applied }: Course): boolean {
  if (need !== 'start' && need !== 'restart') return false;
  const here = others.filter(({ backend }) => backend === wish.spec.backend);
  return here.some((copy) => wish.traits.mustSwap(wish.model, wish.backend, settingsOf(copy, applied), wish.artifact)?.together);
}

/** "both would listen on port 8081: options.port at llmops.yaml:14; without it new could start before old". */
function swapWords({ places }: Desired, { model, backend }: Wish, { because, setting }: SwapReason): string {
  if (setting === null) return because;
  const { of, key } = setting;
  const place = places[of === 'model' ? `models.${model.name}.${key}` : `backends.${backend.name}.${key}`];
  return `${because}: ${key}${place === undefined ? '' : ` at ${at(place)}`}; without it new could start before old`;
}

/** What a copy was started with, as recorded, else as it tells; its port is the one that it holds. null: nothing is known. */
function settingsOf({ specHash, configured, endpoint }: ObservedInstance, applied: Course['applied']): Fields | null {
  const fields = applied !== null && applied.specHash === specHash ? applied.fields : configured;
  const port = /:(\d+)$/.exec(endpoint ?? '')?.[1];
  if (port !== undefined) return { ...fields, [PORT_FIELD]: Number(port) };
  return Object.keys(fields).length === 0 ? null : fields;
}
