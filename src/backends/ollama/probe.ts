import type { StepIo } from '../../domain/backend.ts';
import type { Fields } from '../../domain/fields.ts';
import type { ObservedInstance } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError, problemOf, type Problem } from '../../domain/problem.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { settingNotInForce } from '../kit/readback.ts';
import type { Use } from './client.ts';
import { askToStay } from './expiry.ts';
import { configuredOf, sameRunner } from './fields.ts';
import { parseDerived } from './names.ts';
import { weightsShared } from './problems.ts';
import { describeOurs, lookIntoRows, readStore, type Store } from './observe.ts';
import { aliasesOf, blobOfRow, findOurs, markOf, runnerOf, showTag, type Ours, type Parts } from './parts.ts';
import { embedsOnly, type Row, type Shown } from './shown.ts';

const BUSY_MS = 1000;
const SAY_MS = 2000;
const AGAIN_MS = 50;
/** A runner that nobody knows and that does not go away in this time was not the one. */
const UNKNOWN_MS = 10_000;

/** These tell of the way to the server, or of the moment, and nothing of the copy. */
const PASSING: ReadonlySet<string> = new Set([
  'cancelled',
  'instance-gone',
  'engine-refused',
  'engine-unreachable',
  'engine-timeout',
  'engine-garbled',
  'engine-busy',
]);

/**
 * Loads an instance, makes it generate one token, reads back what is in force. There is no deadline but the step's: a server gives
 * a load up when its client goes away. A failure is noted, because a server does not remember it.
 */
export async function probeInstance(step: StepOf<'probe'>, parts: Parts, io: StepIo): Promise<void> {
  const began = parts.clock.now();
  try {
    await probe(step, parts, io);
    parts.notes.noteFailure(step.spec.id, null);
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === 'internal') throw error;
    // The run's own timer and ours are one: whoever was told to stop that late was not stopped by a person.
    if (problem.code === 'cancelled' && parts.clock.now() - began >= step.deadlineMs * 0.99) throw new ProblemError(tooLate(step));
    if (!PASSING.has(problem.code)) parts.notes.noteFailure(step.spec.id, problem);
    throw error;
  }
}

async function probe({ spec, tolerates }: StepOf<'probe'>, parts: Parts, io: StepIo): Promise<void> {
  throwIfCancelled(io.signal, `waiting for ${spec.model}`);
  const found = await findOurs(spec.id, parts, io.signal);
  const shown = found && (await showTag(found.tag, parts, io.signal));
  if (!found || !shown) throw new ProblemError(gone(spec.model, spec.id));
  await refuseToEvict(found, shown, parts, io.signal);
  const use: Use = { keepAlive: keepAliveOf(spec.fields), embeds: embedsOnly(shown) };
  if (use.keepAlive === null) await noteStay(found, shown, parts, io.signal);
  await load(found, use, parts, io);
  const answer = await saying(parts.client.ask(found.tag.name, use, io.signal), 'waiting for a first token', parts, io);
  if (!isAnswer(answer)) throw new ProblemError(emptyAnswer(spec.model, answer));
  const seen = await seenLoaded(found, shown, use, parts, io);
  const problem = clamped(spec.model, spec.fields, seen, shown) ?? settingNotInForce(spec, seen, { tolerated: tolerates });
  if (problem) throw new ProblemError(problem);
}

/** What is in memory by somebody else's request stays for our copy's sake, and no longer. */
async function noteStay({ tag }: Ours, shown: Shown, parts: Parts, signal: AbortSignal): Promise<void> {
  const store = await readStore(parts, signal);
  await lookIntoRows(store, parts, signal);
  const row = runnerOf(tag.digest, shown, store.rows, parts);
  if (row !== null) askToStay(row, parts);
}

function keepAliveOf(fields: Fields): number | null {
  const ms = fields['options.keepAlive'];
  return typeof ms === 'number' ? ms : null;
}

/** A server that is busy says so at once; that passes. */
async function load({ tag }: Ours, use: Use, parts: Parts, io: StepIo): Promise<void> {
  for (;;) {
    try {
      return await saying(parts.client.load(tag.name, use, io.signal), 'loading weights', parts, io);
    } catch (error) {
      if (problemOf(error).code !== 'engine-busy') throw error;
      io.progress('waiting: the server has too many requests');
      await parts.clock.sleep(BUSY_MS, io.signal);
      throwIfCancelled(io.signal, 'waiting for the server');
    }
  }
}

/** Says again and again what is being waited for. */
async function saying<T>(work: Promise<T>, message: string, { clock }: Parts, io: StepIo): Promise<T> {
  const over = new AbortController();
  const began = clock.now();
  io.progress(message);
  const talk = (async () => {
    while (!over.signal.aborted) {
      await clock.sleep(SAY_MS, over.signal);
      if (!over.signal.aborted) io.progress(`${message}, ${Math.round((clock.now() - began) / 1000)} s so far`);
    }
  })();
  try {
    return await work;
  } finally {
    over.abort();
    await talk;
  }
}

/**
 * The instance with its runner. A runner keeps the name and digest that loaded it first; if these are gone from the server
 * and nobody noted them, it is loaded anew, so that it can be told what it holds.
 */
async function seenLoaded(found: Ours, shown: Shown, use: Use, parts: Parts, io: StepIo): Promise<ObservedInstance> {
  for (const again of [true, false]) {
    const store = await readStore(parts, io.signal);
    await lookIntoRows(store, parts, io.signal);
    const row = runnerOf(found.tag.digest, shown, store.rows, parts);
    const seen = await describeOurs(found, store, parts, io.signal);
    if (seen !== null && row !== null) {
      if (shown.blob !== null) parts.notes.noteBlob(row.digest, shown.blob);
      return seen;
    }
    if (!again) break;
    io.progress('loading it anew: nobody knows what the runner in memory holds');
    await unloadUnknown(found, store, parts, io);
    await load(found, use, parts, io);
  }
  throw new ProblemError({
    code: 'probe-failed',
    summary: `Ollama says that it loaded ${found.derived.model}, and does not list it among what is in memory.`,
    fix: 'There may be too little memory for it: see `ollama ps` and the log of the server.',
  });
}

/** Unloads a runner that is on the list under a name that tells nothing: the one that goes away for it was it. */
async function unloadUnknown({ tag }: Ours, { rows }: Store, parts: Parts, io: StepIo): Promise<void> {
  const until = parts.clock.now() + UNKNOWN_MS;
  const unknown = rows.filter((row) => blobOfRow(row, parts) === null).map(identityOf);
  await parts.client.unload(tag.name, io.signal);
  while (parts.clock.now() < until) {
    const now = new Set((await parts.client.rows(io.signal)).map(identityOf));
    if (unknown.some((row) => !now.has(row))) return;
    await parts.clock.sleep(AGAIN_MS, io.signal);
    throwIfCancelled(io.signal, 'waiting until a model is out of memory');
  }
}

function identityOf({ name, digest }: Row): string {
  return `${name} ${digest}`;
}

/**
 * One runner serves all names of a blob: of two models of the same weights with other load options, each request to one throws the
 * other out. That is refused before it happens, where both are llmops' own.
 */
async function refuseToEvict({ tag, derived }: Ours, shown: Shown, parts: Parts, signal: AbortSignal): Promise<void> {
  const store = await readStore(parts, signal);
  const mine = configuredOf(shown, []);
  for (const other of store.tags) {
    const named = parseDerived(other.name);
    if (named === null || other.digest === tag.digest || !(shown.blob ?? '').startsWith(named.blobId)) continue;
    if (named.model === derived.model && named.stackId === derived.stackId) continue; // its predecessor
    if (!isUsed(other.digest, named.model, store)) continue;
    const theirs = await showTag(other, parts, signal);
    if (typeof markOf(theirs)?.keepAlive === 'number') continue; // it is loaded when it is asked for, and may go for others
    if (theirs !== null && !sameRunner(mine, configuredOf(theirs, []))) throw new ProblemError(shared(derived.model, named.model));
  }
}

/** Clients are sent to it, or it is in memory. */
function isUsed(digest: string, model: string, { tags, rows }: Store): boolean {
  return aliasesOf(digest, tags).includes(model) || rows.some((row) => row.digest === digest);
}

function shared(model: string, other: string): Problem {
  const problem = weightsShared(model, other);
  return { ...problem, summary: `${problem.summary} Nothing was loaded.` };
}

/** An answer can hold an empty text: the first token may end it. */
function isAnswer(answer: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(answer['embeddings']) || (answer['done'] === true && typeof answer['response'] === 'string');
}

function emptyAnswer(model: string, answer: object): Problem {
  const summary = `${model} answered a first request with no text in it: ${JSON.stringify(answer).slice(0, 160)}`;
  return { severity: 'error', code: 'probe-failed', summary };
}

/** A context beyond the trained one is taken down in silence. */
function clamped(model: string, fields: Fields, { loaded }: ObservedInstance, { contextTrained }: Shown): Problem | null {
  const [asked, got] = [fields['context'], loaded?.['context']];
  if (typeof asked !== 'number' || typeof got !== 'number' || got >= asked || got !== contextTrained) return null;
  return {
    severity: 'error',
    code: 'context-exceeds-model',
    summary: `${model} asks for a context of ${asked} tokens; Ollama took it down to ${got}, which its weights were trained for, without a word.`,
    expected: `context: ${got} or less`,
    fix: `Set models.${model}.context to ${got}, or use weights with a longer context.`,
  };
}

function gone(model: string, id: string): Problem {
  return {
    severity: 'error',
    code: 'instance-gone',
    summary: `${model} (${id}) is not there: it was stopped, or never started.`,
    fix: 'Run `llmops plan` to see how things stand.',
  };
}

function tooLate({ spec, deadlineMs }: StepOf<'probe'>): Problem {
  return {
    severity: 'error',
    code: 'probe-timeout',
    summary: `${spec.model} did not serve within ${deadlineMs / 1000} s; when last seen, it was still loading.`,
    fix: "It was given no more time. See the server's log (`journalctl -u ollama`, or ~/.ollama/logs).",
  };
}
