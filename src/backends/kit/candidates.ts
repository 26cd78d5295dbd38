import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { mapBounded } from '../../domain/bounded.ts';
import type { Wanted } from '../../domain/backend.ts';
import type { Artifact } from '../../domain/desired.ts';
import type { Fields } from '../../domain/fields.ts';
import type { Candidate, ObservedInstance, Phase } from '../../domain/observed.ts';
import { problemOf, type Problem } from '../../domain/problem.ts';
import type { Claimed } from './engine.ts';
import { askHealth } from './health.ts';
import { listensOn } from './listeners.ts';
import { endpointOf, findOurs, wordsOf, type Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';
import { folderOf, outputFileOf, serviceOf } from './surroundings.ts';
import { claimant } from './taken-over.ts';

const ASK_AT_ONCE = 8;
/** Start times come in ticks of the clock, times of files do not. */
const TICK_MS = 1000;
/** Programs that start engines, end them and start them again, as they see fit. */
const KEEPERS = /^(ollama|llama-swap|llama-server|lms|lmstudio|ramalama|localai|gpustack)(\.exe)?$/i;

/** A process of somebody else's that serves a file of weights. */
interface Stranger {
  readonly entry: ProcessEntry;
  readonly claimed: Claimed;
  /** Absolute path; null: it does not tell. */
  readonly file: string | null;
}

/**
 * Processes that serve the weights of these models and that neither this stack nor another one started. Those that serve other
 * weights are not asked anything. Sends GET requests only.
 */
export async function findCandidates(models: readonly Wanted[], parts: Parts, signal: AbortSignal): Promise<readonly Candidate[]> {
  const entries = await parts.table.list();
  const ours = new Set([...findOurs(entries, parts).values()].flatMap(({ members }) => members));
  const others = entries.filter((entry) => entry.marker === null && entry.args.length > 0 && !ours.has(entry));
  const strangers = await mapBounded(
    others.flatMap((entry) => claimOf(entry, parts) ?? []),
    ASK_AT_ONCE,
    (stranger) => withFile(stranger, parts, signal),
  );
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

/** The very same file, under whatever name, and not written since the process began: then it holds what was read. */
function serves({ entry, file }: Stranger, { path, remote }: Artifact): boolean {
  const theirs = file === null ? undefined : statSync(file, { throwIfNoEntry: false });
  // Pinned weights in another program's cache stand at their own path only once a model of ours needs them there.
  const ours = [path, remote?.here ?? path].map((each) => statSync(each, { throwIfNoEntry: false }));
  if (!theirs || !ours.some((one) => one?.dev === theirs.dev && one.ino === theirs.ino)) return false;
  return entry.startedAt === null || theirs.mtimeMs <= Date.parse(entry.startedAt) + TICK_MS;
}

/** What a process said of itself. */
interface Answer {
  readonly phase: Phase;
  readonly loaded: Fields | null;
  readonly activeRequests: number | null;
  readonly problem: Problem | null;
}

const SILENT: Pick<Answer, 'loaded' | 'activeRequests'> = { loaded: null, activeRequests: null };

async function ask({ entry, claimed }: Stranger, parts: Parts, signal: AbortSignal): Promise<Answer> {
  const endpoint = endpointOf(claimed.port);
  const headers = parts.engine.headers?.(wordsOf(entry)) ?? {};
  const health = await askHealth(endpoint, headers, parts.askMs, signal);
  if (health.is === 'starting') return { ...SILENT, phase: 'starting', problem: null };
  if (health.is !== 'serving') return { ...SILENT, phase: 'unknown', problem: health.problem };
  try {
    const query = { endpoint, logFile: outputFileOf(entry.pid), configured: claimed.configured, args: entry.args, headers };
    const { fields, activeRequests } = await parts.engine.loaded(query, AbortSignal.any([signal, AbortSignal.timeout(parts.askMs)]));
    return { phase: 'serving', loaded: fields, activeRequests, problem: null };
  } catch (error) {
    return { ...SILENT, phase: 'unknown', problem: problemOf(error) };
  }
}

interface Around {
  readonly entries: readonly ProcessEntry[];
  readonly parts: Parts;
}

function candidateOf({ entry, claimed }: Stranger, { model, artifact }: Wanted, answer: Answer, around: Around): Candidate {
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
  const stack = claimant(entry, around.parts);
  const obstacle = stack === null ? obstacleOf(entry, claimed, answer, around) : `belongs to stack ${stack}, which took it over`;
  return { model: model.name, copy, obstacle, warning: warningOf(entry, claimed, around) };
}

function obstacleOf(
  { pid, parent }: ProcessEntry,
  { port, obstacle }: Claimed,
  { phase, problem }: Answer,
  { entries }: Around,
): string | null {
  const above = entries.find((each) => each.pid === parent);
  const keeper = above?.args
    .slice(0, 2)
    .map((word) => basename(word))
    .find((name) => KEEPERS.test(name));
  if (above !== undefined && keeper !== undefined) return `belongs to ${keeper} (pid ${above.pid}), which starts and ends it`;
  if (obstacle !== null) return obstacle;
  if (isAnotherUsers(pid)) return "is another user's, as whom a new start would not run";
  if (listensOn([pid], port) === false) return `does not listen on port ${port} itself`;
  if (phase === 'starting') return 'is still loading its weights';
  return phase === 'serving' ? null : `does not answer${problem === null ? '' : `: ${problem.summary.replace(/\.$/, '')}`}`;
}

function warningOf(entry: ProcessEntry, { warning }: Claimed, around: Around): string | null {
  const unit = serviceOf(entry.pid);
  const service =
    unit === null
      ? null
      : `systemd keeps it running (${unit}) and would start it again beside its successor: \`systemctl disable ${unit}\`, and Restart=no, before its first change`;
  const all = [warning, service ?? keptByScript(entry, around), otherDevices(entry, around)].filter((each) => each !== null);
  return all.length === 0 ? null : `${all.join('; ')}.`;
}

/** A shell that a person types into starts nothing again; a program with words of its own may. */
function keptByScript({ parent }: ProcessEntry, { entries }: Around): string | null {
  const above = parent <= 1 ? undefined : entries.find(({ pid }) => pid === parent);
  if (above === undefined || above.args.length < 2 || /^-?\w*systemd$/.test(basename(above.args[0] ?? ''))) return null;
  const words = above.args.slice(0, 2).map((word) => basename(word));
  return `${words.join(' ')} (pid ${above.pid}) started it, and may start it again beside its successor: end that before its first change`;
}

/** Which GPUs a program sees. */
const DEVICES = /^(?:CUDA|HIP|ROCR|GGML_VK)_VISIBLE_DEVICES$/;

function otherDevices(entry: ProcessEntry, { parts }: Around): string | null {
  const env = entry.env();
  const others = Object.keys(env).filter((name) => DEVICES.test(name) && env[name] !== parts.context.env[name]);
  const said = others.map((name) => `${name}=${env[name]}`).join(', ');
  return others.length === 0 ? null : `it was started with ${said}, which its next start will not have: declare \`offload.devices\``;
}

function isAnotherUsers(pid: number): boolean {
  const uid = statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
  return uid !== undefined && process.getuid !== undefined && uid !== process.getuid();
}
