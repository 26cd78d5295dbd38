import type { Step } from '../domain/plan.ts';

/**
 * Puts every step after the ones it waits for, and otherwise keeps the given order. Linear, and without recursion: a
 * chain may be as long as the plan.
 */
export function inOrder(steps: readonly Step[]): Step[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const state = new Map<string, 'open' | 'done'>();
  const ordered: Step[] = [];
  for (const first of steps) {
    const stack = [first];
    for (let step = stack.at(-1); step !== undefined; step = stack.at(-1)) {
      if (state.get(step.id) === 'done') stack.pop();
      else if (state.get(step.id) === 'open') {
        state.set(step.id, 'done');
        ordered.push(step);
        stack.pop();
      } else {
        state.set(step.id, 'open');
        for (const id of step.after) push(stack, byId, state, id, step.id);
      }
    }
  }
  return ordered;
}

function push(stack: Step[], byId: ReadonlyMap<string, Step>, state: ReadonlyMap<string, string>, id: string, waiting: string): void {
  const step = byId.get(id);
  if (step === undefined) throw new Error(`step ${waiting} waits for ${id}, which is not in the plan`);
  if (state.get(id) === 'open') throw new Error(`steps ${waiting} and ${id} wait for each other`);
  if (state.get(id) === undefined) stack.push(step);
}
