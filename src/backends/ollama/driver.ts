import { join } from 'node:path';
import type { Driver, DriverContext, StepIo } from '../../domain/backend.ts';
import type { BackendSpec } from '../../domain/desired.ts';
import { sweepClaims } from '../kit/claims.ts';
import { systemClock } from '../kit/clock.ts';
import { rotateLogs } from '../kit/logs.ts';
import { systemProcesses } from '../kit/process-table.ts';
import { stackIdOf } from '../kit/marker.ts';
import { isReference } from '../../secrets/reference.ts';
import { readSecret } from '../../secrets/index.ts';
import { adoptModel } from './adopt.ts';
import { findCandidates } from './candidates.ts';
import { Client } from './client.ts';
import { drainInstance } from './drain.ts';
import { giveBack } from './give-back.ts';
import { backendIdOf } from './names.ts';
import { Notes } from './notes.ts';
import { lookAt, observeServer } from './observe.ts';
import { observeOwn } from './observe-own.ts';
import { servesItself, urlOf } from './options.ts';
import { findServer } from './own-server.ts';
import type { Parts } from './parts.ts';
import { probeInstance } from './probe.ts';
import { publishInstance, withdrawInstance } from './publish.ts';
import { pullWeights } from './pull.ts';
import { findUnpullable } from './unpullable.ts';
import { ensureServer, prepareServer, retireServer } from './serve.ts';
import { ofFields } from './settings.ts';
import { startInstance } from './start.ts';
import { stopInstance } from './stop.ts';
import { tidyUp } from './tidy.ts';

const TIDY_MS = 10_000;

/** A driver for a server that is already there, or that it starts when something needs it. Asks and writes nothing before it is used. */
export function connectServer(spec: BackendSpec, context: DriverContext): Driver {
  const backendId = backendIdOf(spec.name);
  const parts: Parts = {
    spec,
    context,
    client: new Client(urlOf(spec.options), headersFor(spec, context)),
    clock: systemClock,
    notes: new Notes(context, backendId),
    stackId: stackIdOf(context.stateDir),
    backendId,
    shown: new Map(),
    own: servesItself(spec.options) ? { running: null } : null,
  };
  return {
    observe: (signal) => (parts.own === null ? observeServer(parts, signal) : observeOwn(parts, signal)),
    look: async (instance, signal) => ((await isUp(parts)) ? lookAt(instance, parts, signal) : null),
    candidates: async (models, signal) => ((await isUp(parts)) ? findCandidates(models, parts, signal) : []),
    unpullable: async (models, signal) => findUnpullable(models, parts, await isUp(parts), signal),
    tend: async () => {
      if (parts.own !== null) rotateLogs(context.stateDir);
      await sweepClaims(join(context.stateDir, 'instances'), systemProcesses());
      if (await isUp(parts)) await tidyUp(parts, AbortSignal.timeout(TIDY_MS));
    },
    prepare: ({ spec: instance }, io) => prepareServer(ofFields(instance.fields), parts, io),
    retire: async (signal, applied) => {
      const kept = (await isUp(parts)) ? await giveBack(parts, applied, signal) : [];
      return [...kept, ...(await retireServer(parts, signal))];
    },
    perform: {
      adopt: (step, io) => adoptModel(step, parts, io),
      pull: async (step, io) => {
        await ensureServer(null, step.instance, parts, io);
        return await pullWeights(step, parts, io);
      },
      start: async (step, io) => {
        await ensureServer(ofFields(step.spec.fields), step.instance, parts, io);
        await startInstance(step.spec, parts, io);
      },
      probe: (step, io) => probeInstance(step, parts, io),
      publish: (step, io) => publishInstance(step, parts, io),
      withdraw: whileUp(parts, withdrawInstance),
      drain: whileUp(parts, drainInstance),
      stop: whileUp(parts, stopInstance),
    },
  };
}

/** False: it is llmops' own to start, and does not run, so that nothing is on it that could be seen, asked or ended. */
async function isUp(parts: Parts): Promise<boolean> {
  return parts.own === null || (await findServer(parts)).running !== null;
}

function whileUp<S>(parts: Parts, act: (step: S, parts: Parts, io: StepIo) => Promise<void>): (step: S, io: StepIo) => Promise<void> {
  return async (step, io) => {
    if (await isUp(parts)) await act(step, parts, io);
  };
}

/** The key for the proxy in front of the server, fetched with the first request. */
function headersFor(spec: BackendSpec, context: DriverContext): (signal: AbortSignal) => Promise<Readonly<Record<string, string>>> {
  const reference = spec.options['apiKey'];
  if (!isReference(reference)) return async () => ({});
  const use = { what: `key for the Ollama server of backend ${spec.name}`, setting: `backends.${spec.name}.apiKey` };
  let key: Promise<string> | null = null;
  return async (signal) => {
    key ??= readSecret(reference, use, context, signal);
    return { authorization: `Bearer ${await key}` };
  };
}
