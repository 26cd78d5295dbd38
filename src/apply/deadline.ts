import { isStaging, type Step } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';

/** The run was told to stop, and this step was abandoned for it. */
export class Abandoned extends Error {}

/** It was abandoned before it had touched anything. */
export class NotBegun extends Abandoned {}

export interface DeadlineOptions {
  /** The run's: aborted by a person. Only waits heed it; what changes the world is finished. */
  readonly signal: AbortSignal;
  /** How long an act may take to come back after its signal was aborted, in milliseconds. */
  readonly graceMs: number;
  /** What the step last said that it waits for. */
  readonly lastWord: () => string | null;
  /** Asked when the run is told to stop. True: a wait that may be cut short. False: it changes the world, or somebody would be without a model. */
  readonly mayAbandon: () => boolean;
}

/**
 * Runs a step's work until its deadline. Passing it is a failure, but for a drain: there it is the end of politeness.
 * Timers count on the monotonic clock, so that a clock that jumps neither cuts a step short nor stretches it.
 */
export async function withDeadline(step: Step, options: DeadlineOptions, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const late = new AbortController();
  // A drain keeps its deadline by itself, since it has to tell what is cut then: only one that hangs is ended from outside.
  const ms = step.deadlineMs + (step.op === 'drain' ? options.graceMs : 0);
  const timer = setTimeout(() => late.abort(), Math.min(ms, MAX_TIMER_MS));
  const cut = new AbortController();
  const stop = () => options.mayAbandon() && cut.abort();
  if (options.signal.aborted) stop();
  options.signal.addEventListener('abort', stop, { once: true });
  const signal = AbortSignal.any([late.signal, cut.signal]);
  const abandoned = () => cut.signal.aborted && !late.signal.aborted;
  try {
    await comesBack(work(signal), signal, options.graceMs);
    if (step.op === 'drain' && abandoned()) throw new Abandoned();
  } catch (error) {
    if (abandoned()) throw new Abandoned();
    if (!late.signal.aborted) throw error;
    if (step.op === 'drain') return;
    throw error instanceof ProblemError ? error : passed(step, options.lastWord());
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
  }
}

/** setTimeout overflows beyond this and would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a person may cut short without harm: nothing is half done, or the next run goes on from there. */
export function isWait({ op }: Step): boolean {
  return op === 'probe' || op === 'drain' || isStaging({ op });
}

/** Waits for the work; once aborted, only for the grace time, because a driver that hangs must not hang the run. */
function comesBack(work: Promise<void>, signal: AbortSignal, graceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => (timer = setTimeout(() => reject(new Error('did not come back')), graceMs));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const clear = () => {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    };
    work.then(resolve, reject).finally(clear);
  });
}

function passed(step: Step, lastWord: string | null): ProblemError {
  const waitedFor = lastWord === null ? '' : ` It was waiting for: ${lastWord}.`;
  return new ProblemError({
    code: 'deadline-passed',
    summary: `Step ${step.id} was not done within ${step.deadlineMs / 1000} s.${waitedFor} Nothing that waits for it was begun.`,
    fix: `See what the engine says: llmops logs ${step.model}. Then plan again.`,
  });
}
