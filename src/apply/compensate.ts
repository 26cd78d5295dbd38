import type { StepResult } from '../domain/generation.ts';
import type { InstanceSpec } from '../domain/desired.ts';
import type { Fact, Predecessor, Step, StepOf } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import { act } from './act.ts';
import { withDeadline } from './deadline.ts';
import { checkLeaves, driverOf } from './facts.ts';
import type { StepTools } from './tools.ts';
import { transfers } from './transfer.ts';

/** How long stopping a copy that failed may take, in milliseconds. It serves nobody, so there is nothing to drain. */
const STOP_DEADLINE_MS = 30_000;

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
  return step.restore === undefined ? { problem: stopped.problem } : putBack(step, step.restore, stopped, tools);
}

async function stopFailedCopy(step: Promising, problem: Problem, tools: StepTools): Promise<{ problem: Problem; clean: boolean }> {
  const [same, also] =
    step.restore === undefined ? ['; clients were left where they were.', ' Clients were left where they were.'] : ['.', ''];
  const told = (words: string) => ({ ...problem, summary: `${problem.summary} ${words}` });
  try {
    const stop = await stopStep(step, tools);
    if (stop === null) return { problem: step.op === 'start' ? problem : told(`Its copy ${step.instance} is gone already.`), clean: true };
    await perform(stop, `stopping ${step.instance}, which failed`, tools);
    return { problem: told(`The copy ${step.instance} was stopped again${same}`), clean: true };
  } catch (error) {
    return { problem: told(`The copy ${step.instance} could not be stopped: ${problemOf(error).summary}${also}`), clean: false };
  }
}

async function putBack(
  step: Promising,
  { spec, deadlineMs }: Predecessor,
  { problem, clean }: { readonly problem: Problem; readonly clean: boolean },
  tools: StepTools,
): Promise<Compensated> {
  const down = (why: string) => ({ problem: { ...problem, summary: `${problem.summary} What served before was not put back: ${why}` } });
  // Two copies in memory that was shared out for one could take both down.
  if (!clean) return down('its place is still taken.');
  try {
    const { id: instance, specHash } = spec;
    const serving: Fact = { instance, backend: spec.backend, is: 'serving', specHash };
    const start = { ...undoing(step, 'restore-start', spec), leaves: [{ ...serving, is: 'same' as const }], op: 'start' as const, spec };
    const probe = { ...undoing(step, 'restore-probe', spec), leaves: [serving], deadlineMs, op: 'probe' as const, spec };
    await perform(start, `putting back ${instance}`, tools);
    await perform({ ...probe, onFailure: 'leave' }, `waiting for ${instance}`, tools);
    const url = await sendBack(step, spec, tools);
    if (url === null) return down(`${instance} does not tell its address.`);
    if (typeof url !== 'string') return untold(step, spec, { problem, why: url }, tools);
    const summary = `${problem.summary} ${step.model} was put back to what served before.`;
    return { problem: { ...problem, summary }, restored: { instance, url } };
  } catch (error) {
    return down(problemOf(error).summary);
  }
}

/** The address; the problem, if all that was impossible is to write it down. */
function sendBack(step: Promising, spec: InstanceSpec, tools: StepTools): Promise<string | null | Problem> {
  const publish = { ...undoing(step, 'restore-publish', spec), op: 'publish' as const };
  return perform(publish, `sending clients to ${spec.id} again`, tools).catch((error: unknown) => {
    unlessNoDisk(error);
    return problemOf(error);
  });
}

/** It serves: whoever knows its address is served, whoever looks it up is told nothing. */
async function untold(
  { model }: Promising,
  { id: instance, backend }: InstanceSpec,
  { problem, why }: { readonly problem: Problem; readonly why: Problem },
  { drivers }: StepTools,
): Promise<Compensated> {
  const seen = await driverOf(drivers, backend).look(instance, AbortSignal.timeout(STOP_DEADLINE_MS));
  const words = `What served before, ${instance}, runs again, but where clients of ${model} find it could not be written down: ${why.summary}`;
  const restored = seen?.endpoint ? { restored: { instance, url: seen.endpoint, unpublished: true as const } } : {};
  return { problem: { ...problem, summary: `${problem.summary} ${words}` }, ...restored };
}

/**
 * A run that was told to stop still keeps its promises, so its signal is not heeded. Nor does it take a disk to end a copy
 * or to put one back: whoever was taken down must not wait for space, and the process says itself what it is. Returns an
 * address, for a publish.
 */
async function perform(step: Step, words: string, tools: StepTools): Promise<string | null> {
  const { ledger, lease, drivers, patienceMs, graceMs, say } = tools;
  const progress = (message: string, done?: number, total?: number) =>
    say({ type: 'step.waiting', step: step.id, model: step.model, message, done: done ?? null, total: total ?? null });
  const written = await ledger.begin(step).then(
    () => true,
    (error: unknown) => unlessNoDisk(error),
  );
  lease.verify();
  progress(words);
  let url: string | null = null;
  const options = { signal: new AbortController().signal, graceMs, lastWord: () => words };
  await withDeadline(step, options, async (signal) => {
    url = await act(step, tools, new Map(), { signal, progress, transfer: transfers(step, tools) });
    await checkLeaves(step, drivers, signal, patienceMs);
  });
  if (written) await ledger.end(step, 'done').catch(unlessNoDisk);
  return url;
}

/** False; anything but a disk that cannot be written is thrown on. */
function unlessNoDisk(error: unknown): false {
  if (problemOf(error).code !== 'state-not-writable') throw error;
  return false;
}

/** What all steps of a compensation have in common. */
function undoing(step: Promising, name: string, { id: instance, backend }: { readonly id: string; readonly backend: string }) {
  const { model } = step;
  return {
    id: `${step.id}.${name}`,
    after: [],
    model,
    backend,
    instance,
    cause: `${step.id} failed`,
    relies: [],
    leaves: [] as readonly Fact[],
    deadlineMs: STOP_DEADLINE_MS,
  };
}

/** null: there is nothing of ours to stop. */
async function stopStep(step: Promising, { drivers }: StepTools): Promise<StepOf<'stop'> | null> {
  const { backend, instance, spec } = step;
  const seen = await driverOf(drivers, backend).look(instance, AbortSignal.timeout(STOP_DEADLINE_MS));
  if (seen === null || seen.owner !== 'ours' || seen.specHash !== spec.specHash) return null;
  return {
    ...undoing(step, 'undo', spec),
    leaves: [{ instance, backend, is: 'absent', specHash: null }],
    op: 'stop',
    specHash: spec.specHash,
    process: seen.process,
  };
}
