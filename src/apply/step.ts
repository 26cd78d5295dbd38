import type { StepIo } from '../domain/backend.ts';
import type { StepResult } from '../domain/generation.ts';
import { isStaging, type Predecessor, type Step } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import { isSuperseded } from '../domain/superseded.ts';
import { act, type Told } from './act.ts';
import { compensate, hasPromise } from './compensate.ts';
import { Abandoned, isWait, NotBegun, withDeadline } from './deadline.ts';
import { checkLeaves, checkRelies } from './facts.ts';
import { handBack } from './hand-back.ts';
import { prepareStarts, type Talk } from './prepare.ts';
import { putBack } from './put-back.ts';
import { resultOf } from './result.ts';
import type { StepTools } from './tools.ts';
import { transfers } from './transfer.ts';

type End = Pick<StepResult, 'status' | 'problem' | 'because' | 'restored'> & Told;
const DONE: End = { status: 'done', problem: null, because: null };

/** One step from precondition to postcondition. Never rejects: a failure is a result. */
export async function performStep(step: Step, tools: StepTools): Promise<StepResult> {
  const { id, op, model, backend, instance, cause, deadlineMs } = step;
  const startedAt = tools.clock.now();
  const startMs = tools.clock.monotonicMs();
  tools.underway.begins(step);
  tools.say({ type: 'step.started', step: id, op, model, backend, instance, cause, deadlineMs });
  const end = await attempt(step, tools);
  const ms = tools.clock.monotonicMs() - startMs;
  if (end.status === 'done') tools.underway.isDone(step);
  if (end.problem) tools.say({ type: 'step.failed', step: id, op, model, problem: end.problem, ms });
  else if (end.because) tools.say({ type: 'step.skipped', step: id, op, model, because: end.because });
  else tools.say({ type: 'step.done', step: id, op, model, ms, ...(end.note === undefined ? {} : { note: end.note }) });
  return resultOf(step, { ...end, startedAt, ms });
}

/** The order of the rules: nothing is begun for a start that cannot be, nothing acts before its begin is durable, nothing counts as done before its end is. */
async function attempt(step: Step, tools: StepTools): Promise<End> {
  const { drivers, ledger, lease, patienceMs } = tools;
  const talk = listen(step, tools);
  let begun = false;
  let told: Told = {};
  const work = async (signal: AbortSignal): Promise<void> => {
    const seen = await checkRelies(step, drivers, signal);
    signal.throwIfAborted();
    await ledger.begin(step);
    begun = true;
    signal.throwIfAborted();
    lease.verify();
    told = await act(step, tools, seen, ioOf(step, tools, talk, signal));
    await checkLeaves(step, drivers, signal, patienceMs);
  };
  const mayAbandon = () => isWait(step) && (isSuperseded(tools.signal) || tools.underway.mayAbandon(step));
  const options = { signal: tools.signal, graceMs: tools.graceMs, lastWord: talk.lastWord, mayAbandon };
  const end = await prepareStarts(step, tools, talk)
    .then(() => withDeadline(step, options, work))
    .then(
      () => ({ ...DONE, ...told }),
      (error: unknown) => endOf(step, error),
    );
  const settled = await settle(step, end, begun, tools);
  return begun ? close(step, settled, tools) : settled;
}

function ioOf(step: Step, tools: StepTools, { progress }: Talk, signal: AbortSignal): StepIo {
  const io = { signal, progress, transfer: transfers(step, tools) };
  return { ...io, fetch: (origin, files) => tools.fetch({ origin, files }, io) };
}

function listen(step: Step, tools: StepTools): Talk {
  let last: string | null = null;
  const progress: StepIo['progress'] = (message, done, total) => {
    last = message || null;
    tools.say({ type: 'step.waiting', step: step.id, model: step.model, message, done: done ?? null, total: total ?? null });
  };
  return { progress, lastWord: () => last };
}

function endOf(step: Step, error: unknown): End {
  if (error instanceof NotBegun) return { status: 'cancelled', problem: null, because: 'the run was told to stop before it began' };
  if (error instanceof Abandoned) {
    const left = isStaging(step) ? 'what was fetched is kept' : `${step.instance} was left running`;
    return { status: 'cancelled', problem: null, because: `the run was told to stop; ${left}, and the next apply goes on from there` };
  }
  return { status: 'failed', problem: problemOf(error), because: null };
}

/**
 * After a failure, the promised compensation. A step that did not begin has started no copy that could be stopped; but if the
 * old one was stopped for it, that is put back all the same. An old copy that goes on serving gets its clients back.
 */
async function settle(step: Step, end: End, begun: boolean, tools: StepTools): Promise<End> {
  if (end.status === 'done' || end.problem?.code === 'lease-lost') return end;
  if (step.op === 'drain' || step.op === 'stop') return withClients(step, end, tools);
  if (end.problem === null || !hasPromise(step)) return end;
  return begun || step.restore !== undefined ? { ...end, ...(await compensate(step, end.problem, tools)) } : end;
}

async function withClients(step: Step, end: End, tools: StepTools): Promise<End> {
  const left = tools.underway.leftOf(step);
  const back = left === null ? null : await handBack(step, left, tools);
  if (back === null) return end;
  const { words, ...restored } = back;
  if (end.problem !== null) return { ...end, problem: { ...end.problem, summary: `${end.problem.summary} Its ${words}.` }, ...restored };
  return { ...end, because: `the run was told to stop; its ${words}`, ...restored };
}

/** The step will not begin for what another one came to; if the model's old copy was ended for it, that is put back. null: nothing is. */
export function undoDropped(step: Step, result: StepResult, tools: StepTools): Promise<StepResult> | null {
  if (step.op !== 'start' || step.restore === undefined || !tools.underway.hasRoom(step) || isSuperseded(tools.signal)) return null;
  return undoFor(step.restore);

  async function undoFor(predecessor: Predecessor): Promise<StepResult> {
    const [startedAt, startMs] = [tools.clock.now(), tools.clock.monotonicMs()];
    const { words, ...restored } = await putBack(step, predecessor, tools);
    const ms = tools.clock.monotonicMs() - startMs;
    return { ...result, because: `${result.because}; ${words}`, ...restored, startedAt, ms };
  }
}

async function close(step: Step, end: End, tools: StepTools): Promise<End> {
  try {
    await tools.ledger.end(step, end.status);
    return end;
  } catch (error) {
    return { ...end, status: 'failed', problem: end.problem ?? unrecorded(step, problemOf(error)), because: null };
  }
}

function unrecorded(step: Step, problem: Problem): Problem {
  return { ...problem, summary: `Step ${step.id} was done, but that could not be written down: ${problem.summary}` };
}
