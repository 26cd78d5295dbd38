import type { InstanceSpec } from '../domain/desired.ts';
import type { StepResult } from '../domain/generation.ts';
import type { Fact, Predecessor, Step } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import { Abandoned } from './deadline.ts';
import { driverOf } from './facts.ts';
import type { StepTools } from './tools.ts';
import { performUndo, UNDO_MS, undoing, unlessNoDisk } from './undo.ts';

/** What became of a model whose old copy had been taken away. */
export interface PutBack {
  /** A sentence for people. */
  readonly words: string;
  /** Absent: nothing of it serves. */
  readonly restored?: NonNullable<StepResult['restored']>;
}

/** Old before new, and the new one is not to be had: what served before is started again and gets its clients back. Never rejects. */
export async function putBack(step: Step, { spec, deadlineMs }: Predecessor, tools: StepTools): Promise<PutBack> {
  try {
    const { id: instance, specHash } = spec;
    const serving: Fact = { instance, backend: spec.backend, is: 'serving', specHash };
    const start = { ...undoing(step, 'restore-start', spec), leaves: [{ ...serving, is: 'same' as const }], op: 'start' as const, spec };
    const probe = { ...undoing(step, 'restore-probe', spec), leaves: [serving], deadlineMs, op: 'probe' as const, spec };
    await performUndo(start, `putting back ${instance}`, tools);
    await performUndo({ ...probe, onFailure: 'leave' }, `waiting for ${instance}`, tools);
    const url = await sendBack(step, spec, tools);
    if (url === null) return notPutBack(`${instance} does not tell its address.`);
    if (typeof url !== 'string') return await untold(step, spec, url, tools);
    return { words: `${step.model} was put back to what served before.`, restored: { instance, url } };
  } catch (error) {
    return notPutBack(error instanceof Abandoned ? 'something newer is to be applied, and goes on from there.' : problemOf(error).summary);
  }
}

/** It is down. */
export function notPutBack(why: string): PutBack {
  return { words: `What served before was not put back: ${why}` };
}

/** The address; the problem, if all that was impossible is to write it down. */
function sendBack(step: Step, spec: InstanceSpec, tools: StepTools): Promise<string | null | Problem> {
  const publish = { ...undoing(step, 'restore-publish', spec), op: 'publish' as const };
  return performUndo(publish, `sending clients to ${spec.id} again`, tools).catch((error: unknown) => {
    unlessNoDisk(error);
    return problemOf(error);
  });
}

/** It serves: whoever knows its address is served, whoever looks it up is told nothing. */
async function untold({ model }: Step, { id: instance, backend }: InstanceSpec, why: Problem, { drivers }: StepTools): Promise<PutBack> {
  const seen = await driverOf(drivers, backend).look(instance, AbortSignal.timeout(UNDO_MS));
  const words = `What served before, ${instance}, runs again, but where clients of ${model} find it could not be written down: ${why.summary}`;
  return seen?.endpoint ? { words, restored: { instance, url: seen.endpoint, unpublished: true } } : { words };
}
