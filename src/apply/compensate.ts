import type { StepResult } from '../domain/generation.ts';
import type { Step, StepOf } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import { driverOf } from './facts.ts';
import { notPutBack, putBack } from './put-back.ts';
import type { StepTools } from './tools.ts';
import { performUndo, UNDO_MS, undoing } from './undo.ts';

/** What became of a failure after its compensation. */
export interface Compensated {
  /** The failure, and in its summary what was done about it. */
  readonly problem: Problem;
  readonly restored?: NonNullable<StepResult['restored']>;
}

/** A step of which the plan says what is done if it fails. */
type Promising = StepOf<'start'> | StepOf<'probe'>;

/** True if the plan promises a compensation for this step. */
export function hasPromise(step: Step): step is Promising {
  return (step.op === 'probe' && step.onFailure === 'stop') || (step.op === 'start' && step.restore !== undefined);
}

/**
 * Does what the plan promised for a failed start or probe: the new copy is stopped, so that the old one has the memory for
 * itself; after old before new, what served before is put back. Journaled like steps of the plan. Never rejects.
 */
export async function compensate(step: Promising, problem: Problem, tools: StepTools): Promise<Compensated> {
  const stopped = await stopFailedCopy(step, problem, tools);
  if (step.restore === undefined) return { problem: stopped.problem };
  // Two copies in memory that was shared out for one could take both down.
  const back = stopped.clean ? await putBack(step, step.restore, tools) : notPutBack('its place is still taken.');
  const { words, ...restored } = back;
  return { problem: { ...stopped.problem, summary: `${stopped.problem.summary} ${words}` }, ...restored };
}

async function stopFailedCopy(step: Promising, problem: Problem, tools: StepTools): Promise<{ problem: Problem; clean: boolean }> {
  const [same, also] =
    step.restore === undefined ? ['; clients were left where they were.', ' Clients were left where they were.'] : ['.', ''];
  const told = (words: string) => ({ ...problem, summary: `${problem.summary} ${words}` });
  try {
    const stop = await stopStep(step, tools);
    if (stop === null) return { problem: step.op === 'start' ? problem : told(`Its copy ${step.instance} is gone already.`), clean: true };
    await performUndo(stop, `stopping ${step.instance}, which failed`, tools);
    return { problem: told(`The copy ${step.instance} was stopped again${same}`), clean: true };
  } catch (error) {
    return { problem: told(`The copy ${step.instance} could not be stopped: ${problemOf(error).summary}${also}`), clean: false };
  }
}

/** null: there is nothing of ours to stop. */
async function stopStep(step: Promising, { drivers }: StepTools): Promise<StepOf<'stop'> | null> {
  const { backend, instance, spec } = step;
  const seen = await driverOf(drivers, backend).look(instance, AbortSignal.timeout(UNDO_MS));
  if (seen === null || seen.owner !== 'ours' || seen.specHash !== spec.specHash) return null;
  return {
    ...undoing(step, 'undo', spec),
    leaves: [{ instance, backend, is: 'absent', specHash: null }],
    op: 'stop',
    specHash: spec.specHash,
    process: seen.process,
  };
}
