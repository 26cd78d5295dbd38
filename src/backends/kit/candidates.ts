import { statSync } from 'node:fs';
import { mapBounded } from '../../domain/bounded.ts';
import type { Wanted } from '../../domain/backend.ts';
import type { Artifact } from '../../domain/desired.ts';
import type { Fields } from '../../domain/fields.ts';
import type { Candidate, ObservedInstance } from '../../domain/observed.ts';
import { problemOf } from '../../domain/problem.ts';
import { askHealth } from './health.ts';
import { partsOf } from './held-weights.ts';
import { listensOn } from './listeners.ts';
import { endpointOf, isAdopted, wordsOf, type Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';
import { folderOf, outputFileOf } from './surroundings.ts';
import { isYoung, obstacleOf, warningOf, type Around, type Standing, type Stranger } from './takeable.ts';

const ASK_AT_ONCE = 8;

/**
 * Processes that serve the weights of these models and that neither this stack nor another one started. Those that serve other
 * weights are not asked anything. Sends GET requests only.
 */
export async function findCandidates(models: readonly Wanted[], parts: Parts, signal: AbortSignal): Promise<readonly Candidate[]> {
  const entries = await parts.table.list();
  const unmarked = entries.filter((entry) => entry.marker === null && entry.args.length > 0);
  const others = unmarked.flatMap((entry) => claimOf(entry, parts) ?? []).filter(({ entry }) => !isAdopted(entry, parts));
  const strangers = await mapBounded(others, ASK_AT_ONCE, (stranger) => withFile(stranger, parts, signal));
  const pairs = strangers.flatMap((stranger) =>
    models.filter(({ artifact }) => serves(stranger, artifact)).map((wanted) => ({ stranger, wanted })),
  );
  const asked = new Map<ProcessEntry, Promise<Answer>>();
  const answerOf = (stranger: Stranger): Promise<Answer> => {
    const known = asked.get(stranger.entry) ?? ask(stranger, parts, signal);
    asked.set(stranger.entry, known);
    return known;
  };
  const found = await mapBounded(pairs, ASK_AT_ONCE, async ({ stranger, wanted }) =>
    candidateOf(stranger, wanted, await answerOf(stranger), { entries, parts }),
  );
  // Of several that fit, the one that clients know by the model's name.
  return found.toSorted((a, b) => Number(b.copy.model === b.model) - Number(a.copy.model === a.model));
}

function claimOf(entry: ProcessEntry, parts: Parts): Stranger | null {
  const claimed = parts.engine.claim?.({ ...wordsOf(entry), folder: folderOf(entry.pid) }) ?? null;
  return claimed && { entry, claimed, file: claimed.path };
}

async function withFile(stranger: Stranger, parts: Parts, signal: AbortSignal): Promise<Stranger> {
  const { entry, claimed, file } = stranger;
  if (file !== null || parts.engine.servedFile === undefined || claimed.obstacle !== null) return stranger;
  const headers = parts.engine.headers?.(wordsOf(entry)) ?? {};
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(parts.askMs)]);
  return { ...stranger, file: await parts.engine.servedFile(endpointOf(claimed.port), headers, deadline).catch(() => null) };
}

/** The very same file, under whatever name. Whether the process holds what stands there now is another question. */
function serves({ file }: Stranger, { path, remote }: Artifact): boolean {
  if (file === null) return false;
  // Pinned weights in another program's cache stand at their own path only once a model of ours needs them there.
  return [path, remote?.here ?? path].some((ours) => isSameModel(file, ours));
}

/** Part by part: one of a split model can be exchanged alone. */
function isSameModel(theirs: string, ours: string): boolean {
  const [a, b] = [partsOf(theirs), partsOf(ours)];
  return a.length === b.length && a.every((part, index) => isSameFile(part, b[index] as string));
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }));
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/** What a process said of itself. */
interface Answer extends Standing {
  readonly loaded: Fields | null;
  readonly activeRequests: number | null;
}

const SILENT: Pick<Answer, 'loaded' | 'activeRequests'> = { loaded: null, activeRequests: null };

async function ask({ entry, claimed }: Stranger, parts: Parts, signal: AbortSignal): Promise<Answer> {
  const endpoint = endpointOf(claimed.port);
  const headers = parts.engine.headers?.(wordsOf(entry)) ?? {};
  const health = await askHealth(endpoint, headers, parts.askMs, signal);
  // Its own answer, or none yet: a server listens before it loads.
  const isStarting = health.is === 'refused' ? isYoung(entry) : health.is === 'starting' && listensOn([entry.pid], claimed.port) !== false;
  if (isStarting) return { ...SILENT, phase: 'starting', problem: null };
  if (health.is === 'starting') return { ...SILENT, phase: 'unknown', problem: null };
  if (health.is !== 'serving') return { ...SILENT, phase: 'unknown', problem: health.problem };
  try {
    const query = { endpoint, logFile: outputFileOf(entry.pid), configured: claimed.configured, args: entry.args, headers };
    const { fields, activeRequests } = await parts.engine.loaded(query, AbortSignal.any([signal, AbortSignal.timeout(parts.askMs)]));
    return { phase: 'serving', loaded: fields, activeRequests, problem: null };
  } catch (error) {
    return { ...SILENT, phase: 'unknown', problem: problemOf(error) };
  }
}

function candidateOf(stranger: Stranger, { model, artifact }: Wanted, answer: Answer, around: Around): Candidate {
  const { entry, claimed } = stranger;
  const { pid, started, startedAt } = entry;
  const copy: ObservedInstance = {
    id: `pid-${pid}`,
    owner: 'foreign',
    backend: around.parts.spec.name,
    model: claimed.name,
    specHash: null,
    endpoint: endpointOf(claimed.port),
    // The port that it happens to have is a setting only where the file fixes one.
    configured: { ...claimed.configured, digest: artifact.sha256, 'options.port': model.options['port'] == null ? null : claimed.port },
    memoryBytes: entry.memoryBytes(),
    startedAt,
    process: { pid, started },
    logFile: outputFileOf(pid),
    ...answer,
  };
  const obstacle = obstacleOf(stranger, answer, around);
  const passing = obstacle?.passing === true ? { passing: true as const } : {};
  return { model: model.name, copy, obstacle: obstacle?.why ?? null, ...passing, warning: warningOf(stranger, around) };
}
