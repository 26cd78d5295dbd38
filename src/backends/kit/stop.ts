import type { StepOf } from '../../domain/plan.ts';
import { ProblemError } from '../../domain/problem.ts';
import { findOne, recordOf, type Found, type Parts } from './parts.ts';
import { keepSecrets } from './secrets.ts';
import { awaitEnding, terminate } from './terminate.ts';

/**
 * Ends an instance and its whole group, waits until their memory and ports are free, and forgets its record; its log stays.
 * Nothing to do if it is gone. Refuses with `instance-changed` if what is there is not what the plan saw.
 */
export async function stopInstance(step: StepOf<'stop'>, parts: Parts): Promise<void> {
  const found = await findOne(step.instance, parts);
  if (found) {
    refuseIfChanged(step, found);
    keepSecrets(found, parts);
    await terminate(found, parts);
  }
  const record = recordOf(step.instance, parts);
  for (const was of [step.process, record?.process ?? null]) if (was) await awaitEnding(step.model, was, parts);
  if (!found) await refuseIfNotOurs(step, parts);
  if (record) parts.records.remove(step.instance);
}

function refuseIfChanged(step: StepOf<'stop'>, { marker, leader }: Found): void {
  const samePlanned =
    step.process === null
      ? leader === null
      : leader === null || (leader.pid === step.process.pid && leader.started === step.process.started);
  if (samePlanned && (step.specHash === null || marker.specHash === step.specHash)) return;
  throw changed(step, leader === null ? 'its settings are others' : `pid ${leader.pid} runs now`);
}

/** The very process that the plan named runs, is not about to end, and does not carry this mark: it is somebody else's. */
async function refuseIfNotOurs(step: StepOf<'stop'>, parts: Parts): Promise<void> {
  const entry = step.process && (await parts.table.get(step.process.pid));
  if (entry && entry.started === step.process?.started) throw changed(step, `pid ${entry.pid} does not carry its mark`);
}

function changed(step: StepOf<'stop'>, how: string): ProblemError {
  return new ProblemError({
    code: 'instance-changed',
    summary: `${step.model} (${step.instance}) is not what the plan saw: ${how}. Nothing was stopped.`,
    fix: 'Run `llmops plan` again.',
  });
}
