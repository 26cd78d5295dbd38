import type { InstanceSpec } from '../../domain/desired.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError } from '../../domain/problem.ts';
import { staleness } from './held-weights.ts';
import { findOne, hashOfWords, isAdopted, wordsOf, type Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';
import type { InstanceRecord } from './records.ts';
import { folderOf, outputFileOf } from './surroundings.ts';
import { claimProcess, dropClaim, ownerOf, settleClaim } from './taken-over.ts';

/**
 * Takes over a process that somebody else started: writes it down, and touches nothing of it. A process cannot be given a mark
 * later, so its record is what makes it ours, and has to be on disk. Nothing to do if it was taken over already. Refuses with
 * `instance-changed` if it is not the very process that the plan saw.
 */
export async function adoptProcess({ model, instance, spec, process: planned }: StepOf<'adopt'>, parts: Parts): Promise<void> {
  if ((await findOne(instance, parts))?.leader) return;
  const living = await parts.table.list();
  const entry = living.find(({ pid }) => pid === planned?.pid) ?? null;
  const same = entry !== null && entry.started === planned?.started && entry.marker === null;
  const claimed = same ? (parts.engine.claim?.({ ...wordsOf(entry), folder: folderOf(entry.pid) }) ?? null) : null;
  if (!same || claimed === null) throw changed(model, planned?.pid ?? null);
  if (isAdopted(entry, parts)) throw taken(model, entry.pid, 'another model of this stack');
  // The plan may be older than what stands behind that path now.
  if (claimed.path !== null && staleness(entry, claimed.path) !== null) throw changed(model, entry.pid);
  const record = recordFor(spec, entry, claimed.port, parts);
  if (!claimProcess(record, living, parts)) throw taken(model, entry.pid, whose(ownerOf(entry, living, parts)));
  if (parts.records.put(record)) return settleClaim(record, parts);
  parts.records.remove(instance);
  dropClaim(entry, parts);
  throw new ProblemError({
    code: 'disk-full',
    summary: `${model} was not taken over: the disk takes no record of it, and without one it would be lost again. It runs on as before.`,
    fix: `Free some space for ${parts.context.stateDir}, then apply again.`,
  });
}

function recordFor(spec: InstanceSpec, entry: ProcessEntry, port: number, parts: Parts): InstanceRecord {
  return {
    v: 1,
    type: parts.engine.type,
    spec,
    process: { pid: entry.pid, started: entry.started },
    args: [],
    port,
    logFile: outputFileOf(entry.pid) ?? '',
    startedAt: entry.startedAt,
    wasReady: true,
    adopted: hashOfWords(entry.args),
  };
}

function whose(stack: string | null): string {
  return stack === null ? 'another stack' : `stack ${stack}`;
}

function taken(model: string, pid: number, by: string): ProblemError {
  return new ProblemError({
    code: 'instance-changed',
    summary: `What was to be taken over for ${model} (pid ${pid}) was taken over by ${by} meanwhile. Nothing was changed.`,
    fix: 'Run `llmops plan` again.',
  });
}

function changed(model: string, pid: number | null): ProblemError {
  return new ProblemError({
    code: 'instance-changed',
    summary: `What was to be taken over for ${model}${pid === null ? '' : ` (pid ${pid})`} is not there any more as the plan saw it. Nothing was changed.`,
    fix: 'Run `llmops plan` again.',
  });
}
