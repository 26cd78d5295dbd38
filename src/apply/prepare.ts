import type { StepIo } from '../domain/backend.ts';
import { isStaging, type Step, type StepOf } from '../domain/plan.ts';
import { NotBegun, withDeadline } from './deadline.ts';
import { driverOf } from './facts.ts';
import type { StepTools } from './tools.ts';
import { transfers } from './transfer.ts';

/** For each start, the first step of its model that touches anything: by that step's id, the starts that it leads to. */
export function startsByFirstStep(steps: readonly Step[]): ReadonlyMap<string, readonly StepOf<'start'>[]> {
  const first = new Map<string, string>();
  const starts = new Map<string, StepOf<'start'>[]>();
  for (const step of steps) {
    if (isStaging(step)) continue;
    const lead = first.get(step.model) ?? step.id;
    first.set(step.model, lead);
    if (step.op === 'start') starts.set(lead, [...(starts.get(lead) ?? []), step]);
  }
  return starts;
}

/** What a step says while it waits, and what it said last. */
export interface Talk {
  readonly progress: StepIo['progress'];
  readonly lastWord: () => string | null;
}

/**
 * Lets drivers make sure of what the starts take that a step leads to. What serves is not ended for a start that cannot be: if
 * this fails, the step does not begin. What hangs there would hold the lease, so it has the start's deadline, and the grace
 * besides: drivers keep a time of their own, and can say better what did not come.
 */
export async function prepareStarts(step: Step, tools: StepTools, { progress, lastWord }: Talk): Promise<void> {
  const { leadsTo, drivers, signal: stop, graceMs } = tools;
  for (const start of leadsTo.get(step.id) ?? []) {
    const driver = driverOf(drivers, start.backend);
    const waited = { ...start, deadlineMs: start.deadlineMs + graceMs };
    try {
      await withDeadline(waited, { signal: stop, graceMs, lastWord, mayAbandon: () => true }, async (signal) =>
        driver.prepare?.(start, { signal, progress, transfer: transfers(step, tools) }),
      );
    } catch (error) {
      throw stop.aborted ? new NotBegun() : error;
    }
  }
}
