import { existsSync } from 'node:fs';
import type { StepIo } from '../../domain/backend.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import { keptPath } from '../../domain/kept.ts';
import { ProblemError } from '../../domain/problem.ts';
import { tryClaim } from './claims.ts';
import { throwIfCancelled } from './clock.ts';
import { logFileOf } from './logs.ts';
import { encodeMarker, type Marker } from './marker.ts';
import { findOne, isOlder, recordOf, type Parts } from './parts.ts';
import { freePort } from './ports.ts';
import type { ProcessEntry } from './process-table.ts';
import { secretsFor } from './secrets.ts';
import { launch } from './spawn.ts';
import { awaitEnding, signalAll, terminate } from './terminate.ts';

const EVERY_MS = 25;

/**
 * Starts an instance unless it runs already; of two that start the same one, the second finds the first's work. Done
 * when the process exists and carries its mark; whether it serves is the probe's question.
 */
export async function startInstance(spec: InstanceSpec, parts: Parts, io: StepIo): Promise<void> {
  for (;;) {
    throwIfCancelled(io.signal, `starting ${spec.model}`);
    if (await isThere(spec, parts)) return;
    const release = await tryClaim(parts.records.folder(), spec.id, parts.table);
    if (release) {
      try {
        if (!(await isThere(spec, parts))) await spawnInstance(spec, parts, io.signal);
        return;
      } finally {
        release();
      }
    }
    io.progress('another llmops is starting it');
    await parts.clock.sleep(EVERY_MS, io.signal);
  }
}

/** Also clears away what a dead leader left behind, so that the new one finds port and memory free. */
async function isThere(spec: InstanceSpec, parts: Parts): Promise<boolean> {
  const found = await findOne(spec.id, parts);
  if (found && !found.leader) await terminate(found, parts);
  return found?.leader != null;
}

async function spawnInstance(spec: InstanceSpec, parts: Parts, signal: AbortSignal): Promise<void> {
  const engine = await parts.engine.detect(signal);
  if (engine.status === 'absent') throw new ProblemError(engine.problem);
  const secrets = await secretsFor(spec, parts, signal);
  const port = parts.engine.fixedPort?.(spec) ?? (await freePort());
  const command = parts.engine.command(spec, port, engine, (written) => fileAt(written, spec, parts));
  const marker = markerOf(spec, port, parts);
  const former = recordOf(spec.id, parts);
  if (former) await awaitEnding(spec.model, former.process, parts); // one that was just killed frees its memory first
  throwIfCancelled(signal, `starting ${spec.model}`);
  parts.records.remove(spec.id);
  const pid = await launch({
    command: { ...command, env: { ...command.env, ...secrets } },
    marker: encodeMarker(marker),
    logFile: marker.logFile,
    cwd: parts.context.baseDir,
    env: surroundings(parts),
    onExit: (ended, code) => parts.exits.set(ended, code),
  });
  // A crash between here and the record loses nothing: the process carries its mark.
  const entry = await parts.table.get(pid);
  if (entry && (await yieldsToOlder(entry, spec.id, parts))) return;
  parts.records.put({
    v: 1,
    type: parts.engine.type,
    spec,
    process: { pid, started: entry?.started ?? 'ended' },
    args: [command.file, ...command.args],
    port,
    logFile: marker.logFile,
    startedAt: entry?.startedAt ?? null,
    wasReady: false,
  });
}

/** The text that the spec means, where it is kept; else the path as written: a copy that an earlier version started has no other. */
function fileAt(written: string, { attachments }: InstanceSpec, { context }: Parts): string {
  const sha256 = attachments?.[written];
  const kept = sha256 === undefined ? null : keptPath(context.stateDir, sha256);
  return kept !== null && existsSync(kept) ? kept : written;
}

function markerOf(spec: InstanceSpec, port: number, parts: Parts): Marker {
  const { id, stack, backend, model, specHash } = spec;
  const logFile = logFileOf(parts.context.stateDir, id);
  return {
    v: 1,
    stackId: parts.stackId,
    stack,
    type: parts.engine.type,
    backend,
    model,
    id,
    specHash,
    digest: spec.weights.sha256,
    port,
    logFile,
  };
}

/** The user's surroundings, for CUDA and the like, without what would change settings unseen. */
function surroundings(parts: Parts): Readonly<Record<string, string | undefined>> {
  const hidden = parts.engine.hiddenEnv;
  return Object.fromEntries(Object.entries(parts.context.env).filter(([name]) => !hidden?.test(name)));
}

/** The second fence behind the claim: of two copies the younger one goes. True if this one went. */
async function yieldsToOlder(mine: ProcessEntry, id: string, parts: Parts): Promise<boolean> {
  const found = await findOne(id, parts);
  if (!found?.leader || found.leader.pid === mine.pid || !isOlder(found.leader, mine)) return false;
  await signalAll([mine], 'SIGKILL', parts);
  return true;
}
