import type { StepOf } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import { withDeadline } from './deadline.ts';
import { checkLeaves, driverOf } from './facts.ts';
import type { StepTools } from './tools.ts';

/** How long stopping a copy that failed its probe may take, in milliseconds. It serves nobody, so there is nothing to drain. */
const STOP_DEADLINE_MS = 30_000;

/**
 * Stops the new copy that failed its probe, as the plan promised, so that a failed replacement leaves the old one alone
 * with the memory. Journaled like a step of its own. Returns the probe's problem with what became of the copy.
 */
export async function stopFailedCopy(step: StepOf<'probe'>, problem: Problem, tools: StepTools): Promise<Problem> {
  const { ledger, lease, drivers, patienceMs, graceMs, say } = tools;
  try {
    const stop = await stopStep(step, tools);
    if (stop === null) return { ...problem, summary: `${problem.summary} Its copy ${step.instance} is gone already.` };
    await ledger.begin(stop);
    lease.verify();
    const progress = (message: string, done?: number, total?: number) =>
      say({ type: 'step.waiting', step: step.id, model: step.model, message, done: done ?? null, total: total ?? null });
    progress(`stopping ${step.instance}, which failed its probe`);
    const options = { signal: tools.signal, graceMs, lastWord: () => null };
    await withDeadline(stop, options, async (signal) => {
      await driverOf(drivers, stop.backend).perform.stop(stop, { signal, progress });
      await checkLeaves(stop, drivers, signal, patienceMs);
    });
    await ledger.end(stop, 'done');
    return { ...problem, summary: `${problem.summary} The copy ${step.instance} was stopped again; clients were left where they were.` };
  } catch (error) {
    const why = problemOf(error).summary;
    return {
      ...problem,
      summary: `${problem.summary} The copy ${step.instance} could not be stopped: ${why} Clients were left where they were.`,
    };
  }
}

/** null: there is nothing of ours to stop. A run that was told to stop still keeps this promise, so its signal is not heeded. */
async function stopStep(step: StepOf<'probe'>, { drivers }: StepTools): Promise<StepOf<'stop'> | null> {
  const { backend, instance } = step;
  const seen = await driverOf(drivers, backend).look(instance, AbortSignal.timeout(STOP_DEADLINE_MS));
  if (seen === null || seen.owner !== 'ours') return null;
  const { model, spec } = step;
  return {
    id: `${step.id}.undo`,
    after: [],
    model,
    backend,
    instance,
    cause: `${step.id} failed`,
    relies: [],
    leaves: [{ instance, backend, is: 'absent', specHash: null }],
    deadlineMs: STOP_DEADLINE_MS,
    op: 'stop',
    specHash: spec.specHash,
    process: seen.process,
  };
}
