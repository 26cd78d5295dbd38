import type { Endpoint, Engine, ObservedBackend, ObservedInstance } from './observed.ts';
import type { Foreign } from './plan.ts';
import { compareText } from './text.ts';

/** What several stages must read from an observation in the same way: a plan and a status never tell two stories. */

/** The model of a copy. One that does not say is named after its identity, `<model>-<hash>`. */
export function modelOfCopy({ model, id }: ObservedInstance): string {
  const end = id.lastIndexOf('-');
  return model ?? (end > 0 ? id.slice(0, end) : id);
}

const PHASES = ['serving', 'starting', 'failed', 'unknown'] as const;

/** Which copy counts most: one that serves, then the one clients are sent to, then the newest, then by id and pid. */
export function byMerit(published: Endpoint | null): (a: ObservedInstance, b: ObservedInstance) => number {
  const reached = ({ id, endpoint }: ObservedInstance): number => (id !== published?.instance ? 0 : endpoint === published.url ? 2 : 1);
  return (a, b) =>
    PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
    reached(b) - reached(a) ||
    compareText(b.startedAt ?? '', a.startedAt ?? '') ||
    compareText(a.id, b.id) ||
    (a.process?.pid ?? 0) - (b.process?.pid ?? 0);
}

/** Copies of ours per model, on whatever backend they run, the one that counts most first: see {@link byMerit}. */
export function copiesByModel(
  observed: readonly ObservedBackend[],
  endpoints: Readonly<Record<string, Endpoint>>,
): ReadonlyMap<string, readonly ObservedInstance[]> {
  const groups = Map.groupBy(
    instancesOf(observed).filter(({ owner }) => owner === 'ours'),
    modelOfCopy,
  );
  for (const [model, copies] of groups) copies.sort(byMerit(endpoints[model] ?? null));
  return groups;
}

/** True if none of these copies lives, so that somebody else's may stand for their model. */
export function areGone(copies: readonly ObservedInstance[]): boolean {
  return copies.every(({ phase }) => phase === 'failed');
}

/**
 * True if clients are sent to this copy, at its present address, and reach it there by the model's name. A copy that does not
 * tell its address is believed.
 */
export function isPublished({ id, endpoint, names, model }: ObservedInstance, published: Endpoint | null): boolean {
  const reached = names === undefined || (model !== null && names.includes(model));
  return reached && published?.instance === id && (endpoint === null || published.url === endpoint);
}

/** What runs and is not ours, each process once: two backends of one type see the same strangers. By backend and id. */
export function foreignAmong(observed: readonly ObservedBackend[]): Foreign[] {
  const strangers = new Map<string, Foreign>();
  for (const { owner, backend, id, model, endpoint, process: running } of instancesOf(observed)) {
    if (owner !== 'foreign') continue;
    const key = running === null ? `${backend} ${id}` : `${running.pid} ${running.started}`;
    if (!strangers.has(key)) strangers.set(key, { backend, id, model, endpoint });
  }
  return [...strangers.values()].sort((a, b) => compareText(a.backend, b.backend) || compareText(a.id, b.id));
}

/** Program and version for people: `llama-server 0.7.0`; null: there is none. */
export function engineLabel(engine: Engine): string | null {
  return engine.status === 'present' ? `${engine.name ?? engine.at.split('/').at(-1)} ${engine.version}` : null;
}

/** What llmops.lock calls an engine behind an address: its kind and version, since the address is this machine's own affair. */
export function engineBehind(type: string, version: string): string {
  return `${type} ${version}`;
}

function instancesOf(observed: readonly ObservedBackend[]): readonly ObservedInstance[] {
  return observed.flatMap((backend) => (backend.status === 'reachable' ? backend.instances : []));
}
