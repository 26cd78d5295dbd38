/** Something that comes after others. */
interface Waiting {
  readonly id: string;
  readonly after: readonly string[];
}

/**
 * Puts everything after the ones it waits for, and otherwise keeps the given order. Linear, and without recursion: a
 * chain may be as long as the plan.
 */
export function inOrder<T extends Waiting>(steps: readonly T[]): T[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const state = new Map<string, 'open' | 'done'>();
  const ordered: T[] = [];
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

function push<T extends Waiting>(
  stack: T[],
  byId: ReadonlyMap<string, T>,
  state: ReadonlyMap<string, string>,
  id: string,
  waiting: string,
): void {
  const step = byId.get(id);
  if (step === undefined) throw new Error(`${waiting} waits for ${id}, which is not in the plan`);
  if (state.get(id) === 'open') throw new Error(`${waiting} and ${id} wait for each other`);
  if (state.get(id) === undefined) stack.push(step);
}
