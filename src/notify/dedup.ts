import { canonicalJson } from '../domain/canonical.ts';
import type { DaemonEvent } from '../domain/daemon-event.ts';

/** More different events than this are not told apart: the oldest is forgotten, and sent again if it comes again. */
const MOST_KEYS = 500;

/**
 * What makes two events say the same. Times, durations and numbers of generations do not; what went wrong does. null: of
 * these each is sent.
 */
export function sameness(event: DaemonEvent): string | null {
  const told = essence(event);
  return told === null ? null : canonicalJson([event.type, event.stack, ...told.map((one) => one ?? null)]);
}

function essence(event: DaemonEvent): readonly (string | number | null)[] | null {
  switch (event.type) {
    case 'revision.found':
    case 'revision.invalid':
    case 'plan.refused':
      return [
        event.revision,
        event.type === 'revision.found' ? null : canonicalJson(event.problems.map(({ code, model }) => [code, model ?? null])),
      ];
    case 'revision.refused':
    case 'revision.quarantined':
      return [event.revision, event.why];
    case 'revision.rewritten':
      return [event.from, event.to];
    case 'source.unavailable':
    case 'source.available':
      return [event.source];
    case 'plan.parked':
      return [event.why, event.summary];
    case 'run.started':
      return [event.revision, event.trigger];
    case 'run.finished':
      return [event.revision, event.trigger, event.outcome];
    case 'drift.found':
      return [event.model, event.field, event.reason, event.policy];
    case 'model.crashed':
    case 'model.blocked':
      return [event.model, event.why];
    case 'model.held':
      return [event.model, event.field];
    default:
      return null; // begin and end of a daemon, of a rollback, of a suspension: each is news
  }
}

/** After which event another that was sent before is news again: what is over can begin anew. */
function endedBy(event: DaemonEvent): readonly DaemonEvent['type'][] {
  if (event.type === 'source.available') return ['source.unavailable'];
  if (event.type === 'source.unavailable') return ['source.available'];
  if (event.type === 'run.finished' && event.outcome === 'succeeded') return ['run.finished'];
  return [];
}

interface Sent {
  readonly type: DaemonEvent['type'];
  readonly at: number;
  leftOut: number;
}

/** Of events that say the same, lets one through in `minIntervalMs`. Remembers a bounded number of them. */
export interface Dedup {
  /** How many like it were left out since the last one that was sent; null: it is to be left out too. `now`: monotonic milliseconds. */
  admit(event: DaemonEvent, now: number): number | null;
  /** An event that was let through never arrived: the next like it is sent. */
  forget(event: DaemonEvent): void;
}

/** Makes the memory of one hook. */
export function createDedup(minIntervalMs: number): Dedup {
  const seen = new Map<string, Sent>();
  const admit = (event: DaemonEvent, now: number): number | null => {
    const key = sameness(event);
    const ended = endedBy(event);
    for (const [other, { type }] of seen) if (other !== key && ended.includes(type)) seen.delete(other);
    if (key === null) return 0;
    const last = seen.get(key);
    if (last !== undefined && now - last.at < minIntervalMs) {
      last.leftOut += 1;
      return null;
    }
    seen.delete(key); // so that the order of the map is that of time
    seen.set(key, { type: event.type, at: now, leftOut: 0 });
    if (seen.size > MOST_KEYS) seen.delete(seen.keys().next().value!);
    return last?.leftOut ?? 0;
  };
  return { admit, forget: (event) => void seen.delete(sameness(event) ?? '') };
}
