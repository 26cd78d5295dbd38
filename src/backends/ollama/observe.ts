import { mapBounded } from '../../domain/bounded.ts';
import { isLoopback } from '../../domain/http.ts';
import type { ObservedBackend, ObservedInstance } from '../../domain/observed.ts';
import { problemOf, type Problem } from '../../domain/problem.ts';
import { readMemory } from '../kit/memory.ts';
import { TAKEN } from './check.ts';
import { configuredOf, loadedOf } from './fields.ts';
import { readWeightsMark } from './marker.ts';
import { holdsOn } from './holds.ts';
import { baseKey, isOurs, parseDerived, shortName } from './names.ts';
import { toldToServer } from './own-server.ts';
import { aliasesOf, blobOfRow, isOurAlias, markOf, oursIn, runnerOf, showTag, type Ours, type Parts } from './parts.ts';
import type { Row, Shown, Tag } from './shown.ts';

/** How many models are asked for at the same time. */
const ASK_AT_ONCE = 8;

/** What a server has, and what of it is in memory. */
export interface Store {
  readonly tags: readonly Tag[];
  readonly rows: readonly Row[];
}

/** Both lists at once. */
export async function readStore({ client }: Parts, signal: AbortSignal): Promise<Store> {
  const [tags, rows] = await Promise.all([client.tags(signal), client.rows(signal)]);
  return { tags, rows };
}

/**
 * Everything of ours on the server, and what else it has in memory. Sends GET, and POST to `/api/show`, which reads. A server
 * that does not answer is unreachable, never empty.
 */
export async function observeServer(parts: Parts, signal: AbortSignal): Promise<ObservedBackend> {
  const { name, type } = parts.spec;
  try {
    const { client, context } = parts;
    const local = isLoopback(new URL(client.url).hostname);
    const [version, store, memory] = await Promise.all([
      client.version(signal),
      readStore(parts, signal),
      local ? readMemory(context, signal) : [],
    ]);
    await lookIntoRows(store, parts, signal);
    const ours = await mapBounded(oursIn(store.tags, parts), ASK_AT_ONCE, (each) => describeOurs(each, store, parts, signal));
    const instances = [...ours.filter((each) => each !== null), ...foreignIn(store, parts)].sort((a, b) => (a.id < b.id ? -1 : 1));
    const capabilities = await takenNames(store.tags, parts, signal);
    const engine = { status: 'present' as const, at: client.url, name: 'Ollama', version, capabilities };
    return { status: 'reachable', name, type, engine, instances, memory, held: await heldKeys(store.tags, parts, signal) };
  } catch (error) {
    return { status: 'unreachable', name, type, problem: unreachable(problemOf(error), parts) };
  }
}

function unreachable(problem: Problem, { client, spec, own }: Parts): Problem {
  const leader = own?.running?.leader ?? null;
  if (leader !== null)
    return {
      ...problem,
      fix: `Its log: llmops logs ${spec.name}. \`kill -9 ${leader.pid}\` ends it; \`llmops apply\` then starts it anew.`,
    };
  if (problem.code !== 'engine-refused') return problem;
  const start = isLoopback(new URL(client.url).hostname)
    ? 'Start it: `ollama serve`, or `systemctl start ollama`'
    : 'Start it on that machine';
  return { ...problem, summary: `No Ollama server listens at ${client.url}.`, fix: `${start}; or correct backends.${spec.name}.url.` };
}

/** One copy by id, as fresh as can be. */
export async function lookAt(id: string, parts: Parts, signal: AbortSignal): Promise<ObservedInstance | null> {
  const store = await readStore(parts, signal);
  const found = oursIn(store.tags, parts).find((each) => each.id === id);
  if (found === undefined) return null;
  await lookIntoRows(store, parts, signal);
  return describeOurs(found, store, parts, signal);
}

/** Finds out which weights each runner holds, as far as its manifest is still on the list. */
export async function lookIntoRows({ tags, rows }: Store, parts: Parts, signal: AbortSignal): Promise<void> {
  const named = rows.flatMap((row) => tags.find((tag) => tag.digest === row.digest) ?? []);
  await mapBounded(named, ASK_AT_ONCE, (tag) => showTag(tag, parts, signal));
}

/** One copy of ours; null: it went away meanwhile. */
export async function describeOurs(
  { tag, derived, id }: Ours,
  store: Store,
  parts: Parts,
  signal: AbortSignal,
): Promise<ObservedInstance | null> {
  const shown = await showTag(tag, parts, signal);
  if (shown === null) return null;
  const mark = markOf(shown);
  const names = aliasesOf(tag.digest, store.tags);
  const digest = mark !== null && mark.blob === shown.blob ? mark.digest : shown.blob;
  const told = { ...configuredOf(shown, mark?.parameters ?? []), digest, 'options.keepAlive': mark?.keepAlive ?? null };
  const configured = { ...told, ...toldToServer(parts) };
  const row = runnerOf(tag.digest, shown, store.rows, parts);
  return {
    id,
    owner: 'ours',
    backend: parts.spec.name,
    model: derived.model,
    specHash: derived.specHash,
    endpoint: parts.client.url,
    names,
    configured,
    loaded: row && loadedOf(row, configured, shown.layers),
    activeRequests: null,
    memoryBytes: row?.bytes || null,
    startedAt: tag.modifiedAt,
    process: null,
    logFile: parts.own?.running?.marker.logFile ?? null,
    ...phaseOf({ id, model: derived.model, names, keepAlive: mark?.keepAlive ?? null, isLoaded: row !== null }, parts),
  };
}

interface Standing {
  readonly id: string;
  readonly model: string;
  readonly names: readonly string[];
  readonly keepAlive: number | null;
  readonly isLoaded: boolean;
}

/**
 * A copy that is not in memory answers all the same, after a load. Where it may go when idle, it serves; where it shall stay,
 * it has yet to be loaded: nothing has to end for that, so it counts as starting, with the reason, and not as failed.
 */
function phaseOf({ id, model, names, keepAlive, isLoaded }: Standing, { notes }: Parts): Pick<ObservedInstance, 'phase' | 'problem'> {
  if (isLoaded) return { phase: 'serving', problem: null };
  const failure = notes.failureOf(id);
  if (failure !== null) return { phase: 'failed', problem: failure };
  if (!names.includes(model)) return { phase: 'starting', problem: null };
  return keepAlive === null ? { phase: 'starting', problem: unloaded(model) } : { phase: 'serving', problem: null };
}

function unloaded(model: string): Problem {
  return {
    severity: 'warning',
    code: 'model-unloaded',
    summary: `${model} is on the server and not in memory: somebody unloaded it, the server was restarted, or another model took its place.`,
    fix: '`llmops apply` loads it; a request would, too, and waits for that.',
  };
}

/** What others have in memory, and copies of other stacks. */
export function foreignIn({ tags, rows }: Store, parts: Parts): readonly ObservedInstance[] {
  const stack = tags.filter((tag) => parseDerived(tag.name)?.stackId === parts.stackId);
  const blobs = stack.map((tag) => parts.shown.get(tag.digest)?.blob ?? '');
  // What a copy of ours stands for now may still be listed as it was loaded.
  const models = new Set(stack.map((tag) => parseDerived(tag.name)?.model));
  const isTaken = (row: Row) => holdsOn(row, tags).some(({ stackId, model }) => stackId === parts.stackId && models.has(model));
  const isStacks = (row: Row): boolean =>
    isTaken(row) ||
    parseDerived(row.name)?.stackId === parts.stackId ||
    stack.some((tag) => tag.digest === row.digest) ||
    (!tags.some((tag) => tag.digest === row.digest) && blobs.includes(blobOfRow(row, parts) ?? 'none'));
  const loaded = rows.filter((row) => !isStacks(row));
  const others = tags.filter(
    (tag) => parseDerived(tag.name) !== null && !stack.includes(tag) && !loaded.some((row) => row.digest === tag.digest),
  );
  return [
    ...loaded.map((row) => foreign(row.name, row.digest, row, parts)),
    ...others.map((tag) => foreign(tag.name, tag.digest, null, parts)),
  ];
}

function foreign(name: string, digest: string, row: Row | null, parts: Parts): ObservedInstance {
  const derived = parseDerived(name);
  const shown: Shown | undefined = parts.shown.get(digest);
  const whose = derived === null ? 'somebody else' : `stack ${markOf(shown ?? null)?.stack ?? derived.stackId}`;
  return {
    id: `${shortName(name)}@${digest.slice(0, 12)}`,
    owner: 'foreign',
    backend: parts.spec.name,
    model: derived?.model ?? shortName(name),
    specHash: null,
    phase: 'unknown',
    endpoint: parts.client.url,
    names: [shortName(name)],
    configured: shown?.blob == null ? {} : { digest: shown.blob },
    loaded: row && { context: row.context },
    activeRequests: null,
    memoryBytes: row?.bytes || null,
    startedAt: null,
    process: null,
    logFile: null,
    problem: { severity: 'info', code: 'foreign-instance', summary: `Belongs to ${whose}; it is shown and never touched.` },
  };
}

/** Names of models that are not ours to overwrite, as the check reads them. */
async function takenNames(tags: readonly Tag[], parts: Parts, signal: AbortSignal): Promise<readonly string[]> {
  const others = tags.filter((tag) => !isOurs(tag.name));
  const ours = await mapBounded(others, ASK_AT_ONCE, async (tag) => isRelated(tag, tags) && isOurAlias(tag, tags, parts, signal));
  const taken = others.filter((_, index) => ours[index] !== true);
  return taken.map((tag) => {
    const mark = markOf(parts.shown.get(tag.digest) ?? null);
    return `${TAKEN}${shortName(tag.name)}${mark === null ? '' : ` ${mark.stack}`}`;
  });
}

/** Only what was made from our weights, or is one of our copies, can be ours: the others need not be asked for. */
function isRelated({ parent, digest }: Tag, tags: readonly Tag[]): boolean {
  return (parent !== null && baseKey(parent) !== null) || tags.some((tag) => tag.digest === digest && isOurs(tag.name));
}

/** Keys of pristine weights that are still what their name says. */
async function heldKeys(tags: readonly Tag[], parts: Parts, signal: AbortSignal): Promise<readonly string[]> {
  const bases = tags.filter((tag) => baseKey(tag.name) !== null);
  const keys = await mapBounded(bases, ASK_AT_ONCE, (tag) => heldKeyOf(tag, parts, signal));
  return keys.filter((key) => key !== null).sort();
}

/** The key of pristine weights: their manifest is the one that was pinned, or their mark and their blob agree. null: neither. */
export async function heldKeyOf(tag: Tag, parts: Parts, signal: AbortSignal): Promise<string | null> {
  const key = baseKey(tag.name);
  if (key === null || tag.digest === key) return key;
  const shown = await showTag(tag, parts, signal);
  const mark = shown && readWeightsMark(shown.license);
  return mark?.key === key && mark.blob === shown?.blob ? key : null;
}
