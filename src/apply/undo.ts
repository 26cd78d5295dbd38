import type { Fact, Step } from '../domain/plan.ts';
import { problemOf } from '../domain/problem.ts';
import { isSuperseded } from '../domain/superseded.ts';
import { act } from './act.ts';
import { isWait, withDeadline } from './deadline.ts';
import { checkLeaves } from './facts.ts';
import type { StepTools } from './tools.ts';
import { transfers } from './transfer.ts';

/** How long one act that undoes something may take, in milliseconds. What is undone serves nobody, so there is nothing to drain. */
export const UNDO_MS = 30_000;

/** What all steps that undo something of a step have in common. */
export function undoing(step: Step, name: string, { id: instance, backend }: { readonly id: string; readonly backend: string }) {
  const { model } = step;
  return {
    id: `${step.id}.${name}`,
    after: [],
    model,
    backend,
    instance,
    cause: `${step.id} did not get done`,
    relies: [],
    leaves: [] as readonly Fact[],
    deadlineMs: UNDO_MS,
  };
}

/**
 * Performs a step that is not in the plan but follows from it. A run that was told to stop still keeps its promises, so its
 * signal is not heeded, but where something newer supersedes it and goes on from there. Nor does it take a disk to end a copy or to put one back: whoever was taken down must not wait for
 * space, and the process says itself what it is. Returns an address, for a publish.
 */
export async function performUndo(step: Step, words: string, tools: StepTools): Promise<string | null> {
  const { ledger, lease, drivers, patienceMs, graceMs, say, signal } = tools;
  const progress = (message: string, done?: number, total?: number) =>
    say({ type: 'step.waiting', step: step.id, model: step.model, message, done: done ?? null, total: total ?? null });
  const written = await ledger.begin(step).then(
    () => true,
    (error: unknown) => unlessNoDisk(error),
  );
  lease.verify();
  progress(words);
  let url: string | null = null;
  const options = { signal, graceMs, lastWord: () => words, mayAbandon: () => isWait(step) && isSuperseded(signal) };
  await withDeadline(step, options, async (ending) => {
    url = (await act(step, tools, new Map(), { signal: ending, progress, transfer: transfers(step, tools) })).url ?? null;
    await checkLeaves(step, drivers, ending, patienceMs);
  });
  if (written) await ledger.end(step, 'done').catch(unlessNoDisk);
  return url;
}

/** False; anything but a disk that cannot be written is thrown on. */
export function unlessNoDisk(error: unknown): false {
  if (problemOf(error).code !== 'state-not-writable') throw error;
  return false;
}
