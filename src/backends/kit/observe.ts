import { mapBounded } from '../../domain/bounded.ts';
import type { Fields } from '../../domain/fields.ts';
import type { ObservedBackend, ObservedInstance } from '../../domain/observed.ts';
import { problemOf, type Problem } from '../../domain/problem.ts';
import { describeEnded } from './ended.ts';
import type { LoadedQuery } from './engine.ts';
import { engineOf } from './former.ts';
import { askHealth, type Health } from './health.ts';
import { listensOn } from './listeners.ts';
import { decodeMarker, type Marker } from './marker.ts';
import { readMemory } from './memory.ts';
import { endpointOf, findOurs, isAdopted, recordOf, wordsOf, type Found, type Parts } from './parts.ts';
import { folderOf } from './surroundings.ts';
import { ownerOf } from './taken-over.ts';
import type { ProcessEntry } from './process-table.ts';

/** How many instances are asked at the same time. */
const ASK_AT_ONCE = 8;

/** Everything this backend runs, and what others run of the same program. Writes nothing, sends GET requests only. */
export async function observeBackend(parts: Parts, signal: AbortSignal): Promise<ObservedBackend> {
  const { name, type } = parts.spec;
  try {
    const [engine, entries, memory] = await Promise.all([
      parts.engine.detect(signal),
      parts.table.list(),
      readMemory(parts.context, signal),
    ]);
    const ours = findOurs(entries, parts);
    const alive = await mapBounded([...ours.values()], ASK_AT_ONCE, (found) => observeFound(found, parts, signal));
    const ended = parts.records.list().filter((record) => record.spec.backend === name && !ours.has(record.spec.id));
    const gone = await Promise.all(ended.map((record) => describeEnded(record, parts)));
    const own = new Set([...ours.values()].flatMap(({ members }) => members));
    const foreign = entries.filter((entry) => !own.has(entry)).flatMap((entry) => observeForeign(entry, entries, parts) ?? []);
    const instances = [...alive, ...gone, ...foreign].sort((a, b) => (a.id < b.id ? -1 : 1));
    return { status: 'reachable', name, type, engine, instances, memory };
  } catch (error) {
    return { status: 'unreachable', name, type, problem: problemOf(error) };
  }
}

/** One instance by id; null: neither a process nor a record of it. */
export async function lookAt(id: string, parts: Parts, signal: AbortSignal): Promise<ObservedInstance | null> {
  const found = findOurs(await parts.table.list(), parts).get(id);
  if (found) return observeFound(found, parts, signal);
  const record = recordOf(id, parts);
  return record && describeEnded(record, parts);
}

/** A living instance: asked for its health, and for its settings if it serves. */
export async function observeFound(found: Found, parts: Parts, signal: AbortSignal): Promise<ObservedInstance> {
  const { marker, leader } = found;
  const base = describeFound(found, parts);
  if (!leader) return { ...base, phase: 'failed', problem: orphaned(found) };
  const engine = engineOf(marker, parts);
  const headers = engine.headers?.(wordsOf(leader)) ?? {};
  const query: LoadedQuery = {
    endpoint: endpointOf(marker.port),
    logFile: marker.logFile || null,
    configured: base.configured,
    args: leader.args,
    headers,
    ...(parts.context.brief && { brief: true }),
  };
  const serving = async (): Promise<ObservedInstance> => {
    const { fields, activeRequests } = await engine.loaded(query, AbortSignal.any([signal, AbortSignal.timeout(parts.askMs)]));
    return { ...base, phase: 'serving', loaded: fields, activeRequests, problem: null };
  };
  const wasReady = recordOf(marker.id, parts)?.wasReady ?? false;
  if (query.brief && wasReady && isItsPort(found)) {
    const settled = await serving().catch(() => null); // why it does not answer is found out below
    if (settled) return settled;
  }
  const health = await askOwnHealth(found, headers, parts, signal);
  if (health.is === 'starting') return { ...base, phase: 'starting', problem: null };
  if (health.is === 'refused' && !wasReady) return { ...base, phase: 'starting', problem: null };
  if (health.is !== 'serving') return { ...base, phase: 'unknown', problem: health.problem };
  return serving().catch((error: unknown) => ({ ...base, phase: 'unknown', problem: problemOf(error) }));
}

/** False: another process listens there. */
function isItsPort({ marker, members }: Found): boolean {
  const pids = members.map(({ pid }) => pid);
  return listensOn(pids, marker.port) !== false;
}

/** Its health, if the answer is its own: whoever holds its port could answer for it. */
async function askOwnHealth(found: Found, headers: Readonly<Record<string, string>>, parts: Parts, signal: AbortSignal): Promise<Health> {
  const { marker } = found;
  const health = await askHealth(endpointOf(marker.port), headers, parts.askMs, signal);
  if (health.is === 'refused' || isItsPort(found)) return health;
  const summary = `Another process listens on port ${marker.port}, which ${marker.model} was given.`;
  return {
    is: 'refused',
    problem: {
      severity: 'error',
      code: 'port-taken',
      summary,
      fix: 'Free that port, or take `options.port` away so that llmops picks a free one.',
    },
  };
}

/** What the process table alone tells. */
function describeFound({ marker, leader, members }: Found, parts: Parts): Omit<ObservedInstance, 'phase' | 'problem'> {
  const memory = members.map((member) => member.memoryBytes()).filter((bytes) => bytes !== null);
  return {
    id: marker.id,
    owner: 'ours',
    backend: marker.backend,
    model: marker.model,
    specHash: marker.specHash,
    endpoint: leader && endpointOf(marker.port),
    configured: leader ? { ...toldTo(marker, leader, parts), digest: marker.digest } : { digest: marker.digest },
    loaded: null,
    activeRequests: null,
    memoryBytes: memory.length === 0 ? null : memory.reduce((sum, bytes) => sum + bytes, 0),
    startedAt: leader?.startedAt ?? null,
    process: leader && { pid: leader.pid, started: leader.started },
    logFile: marker.logFile || null,
  };
}

/** What was taken over was told its settings in somebody else's words. */
function toldTo(marker: Marker, leader: ProcessEntry, parts: Parts): Fields {
  const engine = engineOf(marker, parts);
  const words = wordsOf(leader);
  return (
    (leader.marker === null ? engine.claim?.({ ...words, folder: folderOf(leader.pid) })?.configured : null) ?? engine.configured(words)
  );
}

function orphaned({ marker, members }: Found): Problem {
  const pids = members.map((member) => member.pid).join(', ');
  return {
    severity: 'error',
    code: 'engine-left-processes',
    summary: `The process of ${marker.model} ended and left others of its group behind (pid ${pids}).`,
    fix: 'Run `llmops apply`: it ends what is left and starts the model again.',
  };
}

/** A process of the same program that is not ours to touch; null: another program, or one of ours. */
function observeForeign(entry: ProcessEntry, entries: readonly ProcessEntry[], parts: Parts): ObservedInstance | null {
  const marker = decodeMarker(entry.marker);
  if (marker && (marker.type !== parts.engine.type || marker.stackId === parts.stackId || entry.pid !== entry.group)) return null;
  const known = parts.engine.recognize?.(entry) ?? null;
  // What was taken over carries no mark: on whichever backend of ours it runs, it is no stranger's.
  if (!marker && (!known || isAdopted(entry, parts))) return null;
  const stack = marker?.stack ?? ownerOf(entry, entries, parts);
  const whose = stack === null ? 'somebody else' : `stack ${stack}`;
  return {
    id: marker ? `${marker.stackId}/${marker.id}` : `pid-${entry.pid}`,
    owner: 'foreign',
    backend: parts.spec.name,
    model: marker?.model ?? known?.model ?? null,
    specHash: null,
    phase: 'unknown',
    endpoint: marker ? endpointOf(marker.port) : (known?.endpoint ?? null),
    configured: {},
    loaded: null,
    activeRequests: null,
    memoryBytes: entry.memoryBytes(),
    startedAt: entry.startedAt,
    process: { pid: entry.pid, started: entry.started },
    logFile: null,
    problem: {
      severity: 'info',
      code: 'foreign-instance',
      summary: `Belongs to ${whose} (pid ${entry.pid}); it is shown and never touched.`,
    },
  };
}
