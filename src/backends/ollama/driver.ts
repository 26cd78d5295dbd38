import { join } from 'node:path';
import type { Driver, DriverContext } from '../../domain/backend.ts';
import type { BackendSpec } from '../../domain/desired.ts';
import { sweepClaims } from '../kit/claims.ts';
import { systemClock } from '../kit/clock.ts';
import { systemProcesses } from '../kit/process-table.ts';
import { stackIdOf } from '../kit/marker.ts';
import { isReference } from '../kit/reference.ts';
import { readSecret } from '../kit/secrets.ts';
import { adoptModel } from './adopt.ts';
import { findCandidates } from './candidates.ts';
import { Client } from './client.ts';
import { drainInstance } from './drain.ts';
import { backendIdOf } from './names.ts';
import { Notes } from './notes.ts';
import { lookAt, observeServer } from './observe.ts';
import { urlOf } from './options.ts';
import type { Parts } from './parts.ts';
import { probeInstance } from './probe.ts';
import { publishInstance, withdrawInstance } from './publish.ts';
import { pullWeights } from './pull.ts';
import { startInstance } from './start.ts';
import { stopInstance } from './stop.ts';
import { tidyUp } from './tidy.ts';

const TIDY_MS = 10_000;

/** A driver for a server that is already there. Asks and writes nothing before it is used. */
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
  };
  return {
    observe: (signal) => observeServer(parts, signal),
    look: (instance, signal) => lookAt(instance, parts, signal),
    candidates: (models, signal) => findCandidates(models, parts, signal),
    tend: async () => {
      await sweepClaims(join(context.stateDir, 'instances'), systemProcesses());
      await tidyUp(parts, AbortSignal.timeout(TIDY_MS));
    },
    perform: {
      adopt: (step, io) => adoptModel(step, parts, io),
      pull: (step, io) => pullWeights(step, parts, io),
      start: (step, io) => startInstance(step.spec, parts, io),
      probe: (step, io) => probeInstance(step, parts, io),
      publish: (step, io) => publishInstance(step, parts, io),
      withdraw: (step, io) => withdrawInstance(step, parts, io),
      drain: (step, io) => drainInstance(step, parts, io),
      stop: (step, io) => stopInstance(step, parts, io),
    },
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
