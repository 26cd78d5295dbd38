import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { WHOLE_STACK, type Suspension } from '../domain/holds.ts';
import type { ModelStatus, Status } from '../domain/status.ts';
import { APPLY } from './model.ts';
import { clause } from '../domain/text.ts';

/** What decides what a model waits for: whoever keeps the stack, or what it left to the next one. */
export type Keeper = Pick<Status, 'daemon' | 'held' | 'holder'>;

/** Why a model is as it is, and what to type about that. `fix` null: nothing, it comes by itself. */
interface Next {
  readonly because: string | null;
  readonly fix: string | null;
}

/**
 * What is to be typed about a model that an apply would change. Beside a daemon that is no apply: what holds the change back is to be lifted,
 * or the daemon makes it by itself. An apply would go past what people decided.
 */
export function withNext(model: ModelStatus, { daemon, held, holder }: Keeper): ModelStatus {
  const suspended = daemon?.suspended ?? held?.suspended ?? {};
  const asleep = asleepIn(suspended, model.name);
  // What is lifted must be what is in the way: a backend that does not answer is so for a suspended model, too.
  if (asleep !== null && (model.fix === APPLY || model.state === 'failed')) return told(model, asleep);
  if (model.fix !== APPLY) return model;
  if (daemon !== null) return told(model, beside(daemon, model.name));
  // In the middle of a change there may be what neither was nor will be.
  if (holder !== null) return { ...model, fix: null };
  return held?.pin ? told(model, pinned(held.pin)) : model;
}

function told(model: ModelStatus, { because, fix }: Next): ModelStatus {
  const why = because === null || model.why === null ? (model.why ?? because) : `${clause(model.why)}; ${because}`;
  return { ...model, why, fix };
}

function asleepIn(suspended: Readonly<Record<string, Suspension>>, name: string): Next | null {
  const [whole, own] = [suspended[WHOLE_STACK], suspended[name]];
  if (whole) return { because: `the stack is suspended by ${whole.by}`, fix: 'llmops resume' };
  return own ? { because: `it is suspended by ${own.by}`, fix: `llmops resume ${name}` } : null;
}

function pinned({ generation, by }: NonNullable<DaemonPicture['pin']>): Next {
  return { because: `the stack is held at generation ${generation} by ${by}`, fix: 'declare something else, or: llmops resume' };
}

/** What a daemon is about to do about a model, or waits for. */
function beside(daemon: DaemonPicture, name: string): Next {
  const { parked, pin, stalled, trouble, newest, conditions } = daemon;
  const held = daemon.held.find(({ model }) => model === name);
  if (held) return { because: `somebody else changes ${held.field} back each time`, fix: 'find the other one, then: llmops reconcile' };
  if (parked?.models.includes(name)) {
    const approve = `llmops approve ${parked.key}`;
    if (parked.until === null) return { because: null, fix: approve };
    return { because: null, fix: `waits until ${parked.until}; now: ${approve}` };
  }
  if (pin !== null) return pinned(pin);
  if (conditions.some(({ reason }) => reason === 'Quarantined'))
    return { because: 'its release was rolled back', fix: 'declare something else, or: llmops resume' };
  // Nothing is followed yet, or all of the newest release is refused: what is in the way says what to do.
  const later = new Set(newest === null ? [] : (trouble?.problems ?? []).map(({ summary }) => summary));
  const inTheWay = stalled.find(({ model, summary }) => (model === undefined || model === name) && !later.has(summary));
  return { because: inTheWay === undefined ? null : clause(inTheWay.summary), fix: inTheWay?.fix ?? null };
}
