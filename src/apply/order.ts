import type { Step } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';

/**
 * Refuses a list in which a step waits for one that is not before it, or in which an id comes twice: such a plan was not
 * written by llmops, and following it could leave steps waiting for ever. Nothing was done yet.
 */
export function checkOrder(steps: readonly Step[]): void {
  const before = new Set<string>();
  for (const step of steps) {
    const unknown = step.after.find((id) => !before.has(id));
    if (unknown !== undefined) throw broken(`Step ${step.id} waits for ${unknown}, which does not stand before it.`);
    if (before.has(step.id)) throw broken(`Step ${step.id} stands in it twice.`);
    before.add(step.id);
  }
}

function broken(what: string): ProblemError {
  return new ProblemError({
    code: 'plan-broken',
    summary: `The plan cannot be followed. ${what} Nothing was changed.`,
    fix: 'Plan again: llmops plan',
  });
}
