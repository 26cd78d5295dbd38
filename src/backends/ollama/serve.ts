import type { StepIo } from '../../domain/backend.ts';
import { ProblemError, type Problem } from '../../domain/problem.ts';
import { socketsOn } from '../kit/listeners.ts';
import { logFileOf, logTail } from '../kit/logs.ts';
import { encodeMarker, type Marker } from '../kit/marker.ts';
import type { Found } from '../kit/parts.ts';
import { launch } from '../kit/spawn.ts';
import { terminate } from '../kit/terminate.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { alone } from './alone.ts';
import { foreignIn, lookIntoRows, readStore, type Store } from './observe.ts';
import { enderOf, findServer, hashOf, programOf, storeOf, whyNotThere } from './own-server.ts';
import { aliasesOf, oursIn, showTag, type Parts } from './parts.ts';
import { environmentFor, HIDDEN_ENV, portIn, settingsIn, type ServerSettings } from './settings.ts';

/** A real one answers after a fifth of a second; it looks for GPUs first. */
const UP_MS = 25_000;
/** How long a port may still be held by what was ended a moment ago. */
const FREE_MS = 10_000;
const EVERY_MS = 25;
const QUOTED_LINES = 12;

/**
 * Makes sure that the server runs, with these settings; null: with whatever it was started with. Starts it where it does not run. Of
 * one with other settings everything must be gone that would be cut. Nothing to do for a server that is not llmops' own.
 */
export async function ensureServer(settings: ServerSettings | null, id: string, parts: Parts, io: StepIo): Promise<void> {
  if (parts.own === null) return;
  await alone(`serve-${parts.backendId}`, parts, io, async () => {
    const { running, left } = await findServer(parts);
    if (running !== null && (settings === null || running.marker.specHash === hashOf(settings))) return;
    if (running !== null) {
      await refuseToCut(id, parts, io.signal);
      io.progress('ending the server, which was started with other settings');
    }
    for (const old of running === null ? left : [running, ...left]) await terminate(old, enderOf(parts));
    await startServer(settings ?? settingsIn(parts.spec), parts, io);
  });
}

/** Makes sure that {@link ensureServer} can do what this start takes, before anything is ended for it. */
export async function prepareServer(settings: ServerSettings, parts: Parts, io: StepIo): Promise<void> {
  if (parts.own === null) return;
  programOf(parts);
  const { running, all } = await findServer(parts);
  if (running === null) {
    const problem = await whyNotThere(portIn(settings), all, parts);
    if (problem !== null) throw new ProblemError(problem);
  } else if (running.marker.specHash !== hashOf(settings)) {
    const strangers = await strangersIn(await readStore(parts, io.signal), parts, io.signal);
    if (strangers.length > 0) throw new ProblemError(wouldCut(strangers, parts, 'others'));
  }
}

/**
 * Ends the server if no copy of ours is left on it, also if the file does not say `serve` any more, and what a killed one left behind in
 * any case. What others have in memory is not
 * cut: then it stays, and that is the answer.
 */
export async function retireServer(parts: Parts, signal: AbortSignal): Promise<readonly Problem[]> {
  // Of a server that is there without us no process has to be told on this machine.
  const { running, left } = await findServer(parts).catch((error: unknown) => {
    if (parts.own !== null) throw error;
    return { running: null, left: [] };
  });
  const ender = enderOf(parts);
  for (const old of left) await terminate(old, ender);
  if (running === null) return [];
  parts.client.url = `http://127.0.0.1:${running.marker.port}`;
  const store = await readStore(parts, signal);
  if (oursIn(store.tags, parts).length > 0) return [];
  const strangers = await strangersIn(store, parts, signal);
  if (strangers.length > 0) return [stays(running, strangers, parts)];
  await terminate(running, ender);
  return [];
}

async function refuseToCut(id: string, parts: Parts, signal: AbortSignal): Promise<void> {
  const store = await readStore(parts, signal);
  const used = oursIn(store.tags, parts).filter(({ tag, derived, id: other }) => {
    const isNamed = aliasesOf(tag.digest, store.tags).includes(derived.model);
    return other !== id && (isNamed || store.rows.some(({ digest }) => digest === tag.digest));
  });
  const names = [...new Set(used.map(({ derived }) => derived.model))];
  if (names.length > 0) throw new ProblemError(wouldCut(names, parts, 'ours'));
  const strangers = await strangersIn(store, parts, signal);
  if (strangers.length > 0) throw new ProblemError(wouldCut(strangers, parts, 'others'));
}

/** What others have in memory, and models that llmops made there for other stacks. */
async function strangersIn(store: Store, parts: Parts, signal: AbortSignal): Promise<readonly string[]> {
  await lookIntoRows(store, parts, signal);
  for (const { tag } of oursIn(store.tags, parts)) await showTag(tag, parts, signal);
  return foreignIn(store, parts).map(({ names, id }) => names?.[0] ?? id);
}

async function startServer(settings: ServerSettings, parts: Parts, io: StepIo): Promise<void> {
  const program = programOf(parts);
  const marker = markerOf(settings, parts);
  await untilFree(marker.port, parts, io);
  io.progress(`starting ${program} at 127.0.0.1:${marker.port}`);
  let ended = false;
  parts.client.url = `http://127.0.0.1:${marker.port}`;
  await launch({
    command: { file: program, args: ['serve'], env: environmentFor(settings, parts.spec, storeOf(parts)) },
    marker: encodeMarker(marker),
    logFile: marker.logFile,
    cwd: parts.context.baseDir,
    env: Object.fromEntries(Object.entries(parts.context.env).filter(([name]) => !HIDDEN_ENV.test(name))),
    onExit: () => (ended = true),
  });
  const until = parts.clock.now() + UP_MS;
  while (!(await answers(parts))) {
    const why = ended ? 'ended at once' : parts.clock.now() >= until ? `did not answer within ${UP_MS / 1000} s` : null;
    if (why !== null || io.signal.aborted) await endAll(parts);
    if (why !== null) throw new ProblemError(notUp(why, program, marker, parts));
    throwIfCancelled(io.signal, 'waiting for the server to answer');
    await parts.clock.sleep(EVERY_MS);
  }
  await findServer(parts);
}

async function endAll(parts: Parts): Promise<void> {
  const { running, left } = await findServer(parts);
  for (const found of running === null ? left : [running, ...left]) await terminate(found, enderOf(parts));
}

function markerOf(settings: ServerSettings, { spec, context, stackId }: Parts): Marker {
  const specHash = hashOf(settings);
  const id = `${spec.name}-${specHash}`;
  return {
    v: 1,
    stackId,
    stack: context.stack,
    type: spec.type,
    backend: spec.name,
    model: spec.name,
    id,
    specHash,
    digest: '',
    port: portIn(settings),
    logFile: logFileOf(context.stateDir, id),
  };
}

/** Who was killed a moment ago lets go of the port after that; a stranger does not. */
async function untilFree(port: number, parts: Parts, io: StepIo): Promise<void> {
  const until = parts.clock.now() + FREE_MS;
  for (;;) {
    const { all } = await findServer(parts);
    const problem = await whyNotThere(port, all, parts);
    if (problem === null && (socketsOn(port)?.size ?? 0) === 0) return;
    if (problem !== null) throw new ProblemError(problem);
    if (parts.clock.now() >= until) return;
    throwIfCancelled(io.signal, 'waiting for the port of the server');
    await parts.clock.sleep(EVERY_MS, io.signal);
  }
}

async function answers({ client }: Parts): Promise<boolean> {
  return client.version(AbortSignal.timeout(2000)).then(
    () => true,
    () => false,
  );
}

function notUp(why: string, program: string, { logFile }: Marker, { spec }: Parts): Problem {
  const details = logTail(logFile).trimEnd().split('\n').slice(-QUOTED_LINES);
  return {
    severity: 'error',
    code: 'engine-ended',
    summary: `The server of backend ${spec.name} (${program} serve) ${why}: ${details.at(-1) || 'it wrote nothing'}.`,
    fix: `Its log: llmops logs ${spec.name}`,
    details,
  };
}

function wouldCut(names: readonly string[], { spec }: Parts, whose: 'ours' | 'others'): Problem {
  const others = whose === 'others';
  return {
    severity: 'error',
    code: 'needs-server-restart',
    summary: `The server of backend ${spec.name} has to be started anew with other settings, and ${names.join(', ')}, which ${others ? 'llmops did not put there' : 'this run leaves as it is'}, would be cut. It was left running.`,
    fix: others
      ? 'Take it out of memory (`ollama stop NAME`), then run `llmops apply` again.'
      : 'Run `llmops apply` for all models of that backend at once, or `llmops down` before it.',
  };
}

function stays({ leader }: Found, names: readonly string[], { spec }: Parts): Problem {
  return {
    severity: 'warning',
    code: 'server-stays',
    summary: `The server of backend ${spec.name} (pid ${leader?.pid}) was left running: others have models on it: ${names.join(', ')}.`,
    fix: 'When they are done (`ollama stop NAME`), the next `llmops down` ends it.',
  };
}
