import { statSync } from 'node:fs';
import type { ObservedInstance } from '../../domain/observed.ts';
import type { Problem } from '../../domain/problem.ts';
import { engineOf } from './former.ts';
import { logTail } from './logs.ts';
import type { Parts } from './parts.ts';
import type { InstanceRecord } from './records.ts';

/** How many lines of a log a problem quotes. */
const QUOTED_LINES = 12;

/** An instance that was started and is not there any more. */
export async function describeEnded(record: InstanceRecord, parts: Parts): Promise<ObservedInstance> {
  const { spec } = record;
  return {
    id: spec.id,
    owner: 'ours',
    backend: spec.backend,
    model: spec.model,
    specHash: spec.specHash,
    phase: 'failed',
    endpoint: null,
    configured: { ...engineOf(record, parts).configured({ args: record.args, env: {} }), digest: spec.weights.sha256 },
    loaded: null,
    activeRequests: null,
    memoryBytes: null,
    startedAt: record.startedAt,
    ...lastSignOf(record, parts),
    process: null,
    logFile: record.logFile,
    problem: await whyEnded(record, parts),
  };
}

/** It wrote a line, or somebody saw it live. The system keeps no time at which a process ended. */
function lastSignOf({ spec, logFile, startedAt }: InstanceRecord, { records }: Parts): Pick<ObservedInstance, 'lastAliveAt'> {
  const wrote = statSync(logFile, { throwIfNoEntry: false })?.mtimeMs;
  const signs = [wrote, records.lastAlive(spec.id), Date.parse(startedAt ?? '')].filter(
    (ms) => typeof ms === 'number' && !Number.isNaN(ms),
  );
  return signs.length === 0 ? {} : { lastAliveAt: new Date(Math.max(...(signs as number[]))).toISOString() };
}

/** Why it ended: the machine was restarted, or what the engine wrote last; with the last lines of the log and its path. */
export async function whyEnded(record: InstanceRecord, parts: Parts): Promise<Problem> {
  const boot = bootOf((await parts.table.get(process.pid))?.started ?? '');
  if (boot !== null && bootOf(record.process.started) !== null && boot !== bootOf(record.process.started)) {
    return {
      severity: 'error',
      code: 'machine-restarted',
      summary: `${record.spec.model} ended when this machine was restarted.`,
      fix: 'Run `llmops apply` to start it again.',
    };
  }
  const tail = logTail(record.logFile);
  const problem = engineOf(record, parts).explain(tail, parts.exits.get(record.process.pid) ?? null);
  return { ...problem, fix: [problem.fix, `The whole log: ${record.logFile}`].filter(Boolean).join(' '), details: lastLines(tail) };
}

/** The last lines that say something, with anything that looks like a key blanked out. */
export function lastLines(tail: string): readonly string[] {
  const lines = tail
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
  return lines
    .slice(-QUOTED_LINES)
    .map((line) => line.replace(/((?:api[-_ ]?key|authorization|token|secret)\b["']?\s*[:= ]\s*(?:bearer\s+)?)\S{6,}/gi, '$1***'));
}

/** The boot that a start time of Linux names; null on systems whose start times name none. */
function bootOf(started: string): string | null {
  return /^([0-9a-f-]{36}):\d+$/.exec(started)?.[1] ?? null;
}
