import { join } from 'node:path';
import type { Driver, DriverContext } from '../../domain/backend.ts';
import type { BackendSpec } from '../../domain/desired.ts';
import { adoptProcess } from './adopt.ts';
import { findCandidates } from './candidates.ts';
import { sweepClaims } from './claims.ts';
import { systemClock, type Clock } from './clock.ts';
import { drainInstance } from './drain.ts';
import type { ConnectEngine } from './engine.ts';
import { rotateLogs } from './logs.ts';
import { stackIdOf } from './marker.ts';
import { lookAt, observeBackend } from './observe.ts';
import { findOurs, type Parts } from './parts.ts';
import { refuseTakenPort, strangersOn } from './port-holder.ts';
import { probeInstance } from './probe.ts';
import { systemProcesses, type ProcessTable } from './process-table.ts';
import { openRecords } from './records.ts';
import { lookAtSecrets, prepareSecrets } from './secrets.ts';
import { startInstance } from './start.ts';
import { stopInstance } from './stop.ts';
import { claimedRecords, tendClaims } from './taken-over.ts';

/** From SIGTERM to SIGKILL. Drained engines end at once; one with requests in flight hangs them and does not end at all. */
const GRACE_MS = 2000;

/** What a test may replace. */
export interface DriverTools {
  readonly table?: ProcessTable;
  readonly clock?: Clock;
  /** Deadline of one question to an instance, in milliseconds; default 2000. */
  readonly askMs?: number;
  /** How long a process may take to end on SIGTERM, once its requests are done, in milliseconds; default 2000. */
  readonly graceMs?: number;
}

/** A driver for an engine that runs one process per instance. Opens and writes nothing before it is used. */
export function createProcessDriver(connect: ConnectEngine, spec: BackendSpec, context: DriverContext, tools: DriverTools = {}): Driver {
  const stackId = stackIdOf(context.stateDir);
  const parts: Parts = {
    engine: connect(spec, context),
    spec,
    context,
    table: tools.table ?? systemProcesses(),
    records: openRecords(context.stateDir, () => claimedRecords(stackId, context)),
    clock: tools.clock ?? systemClock,
    stackId,
    exits: new Map(),
    secrets: { prepared: new Map(), former: new Map() },
    askMs: tools.askMs ?? 2000,
    graceMs: tools.graceMs ?? GRACE_MS,
  };
  return {
    observe: (signal) => observeBackend(parts, signal),
    look: (instance, signal) => lookAt(instance, parts, signal),
    tend: async () => {
      rotateLogs(context.stateDir);
      await sweepClaims(join(context.stateDir, 'instances'), parts.table);
      const entries = await parts.table.list();
      tendClaims(entries, parts);
      const found = findOurs(entries, parts);
      for (const [id, { leader }] of found) if (leader !== null) parts.records.isAlive(id);
    },
    secrets: (models) => lookAtSecrets(models, parts),
    ...(parts.engine.claim === undefined ? {} : { candidates: (models, signal) => findCandidates(models, parts, signal) }),
    ...(parts.engine.fixedPort === undefined ? {} : { strangers: (ports) => strangersOn(ports, parts) }),
    prepare: async ({ spec: instance }, io) => {
      await refuseTakenPort(instance, parts);
      await prepareSecrets(instance, parts, io);
    },
    perform: {
      start: (step, io) => startInstance(step.spec, parts, io),
      probe: (step, io) => probeInstance(step, parts, io),
      drain: (step, io) => drainInstance(step, parts, io),
      stop: (step) => stopInstance(step, parts),
      ...(parts.engine.claim === undefined ? {} : { adopt: (step) => adoptProcess(step, parts) }),
    },
  };
}
