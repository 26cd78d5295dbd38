import type { StepResult } from '../domain/generation.ts';
import type { Step } from '../domain/plan.ts';

/** What became of a step; what is not told is as for one that never began. */
export function resultOf(step: Step, told: Pick<StepResult, 'status'> & Partial<StepResult>): StepResult {
  const { id, op, model, backend, instance, cause } = step;
  return { step: id, op, model, backend, instance, cause, problem: null, because: null, startedAt: null, ms: 0, ...told };
}
