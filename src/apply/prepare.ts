import type { StepIo } from '../domain/backend.ts';
import { isStaging, type Step, type StepOf } from '../domain/plan.ts';
import { Abandoned } from './deadline.ts';
import { driverOf } from './facts.ts';
import type { StepTools } from './tools.ts';

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

/**
 * Lets drivers make sure of what the starts take that a step leads to. What serves is not ended for a start that cannot be: if
 * this fails, the step does not begin. It has no deadline of a step's own, because nothing waits yet.
 */
export async function prepareStarts(step: Step, { leadsTo, drivers, signal }: StepTools, io: StepIo): Promise<void> {
  for (const start of leadsTo.get(step.id) ?? []) {
    try {
      await driverOf(drivers, start.backend).prepare?.(start, io);
    } catch (error) {
      throw signal.aborted ? new Abandoned() : error;
    }
  }
}
