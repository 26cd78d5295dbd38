import type { Driver } from '../domain/backend.ts';
import type { Event, Outcome } from '../domain/event.ts';
import type { ApplyResult, StackFiles, StepResult, Trigger, WayBack } from '../domain/generation.ts';
import type { Attached } from '../domain/kept.ts';
import type { Ledger, Lease, RunLedger } from '../domain/ledger.ts';
import type { Plan } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import { isSuperseded } from '../domain/superseded.ts';
import { execute } from './execute.ts';
import { checkOrder } from './order.ts';
import { startsByFirstStep } from './prepare.ts';
import { performStep, undoDropped } from './step.ts';
import type { Clock, Fetch, StepTools } from './tools.ts';
import { Underway } from './underway.ts';

export type { ApplyResult } from '../domain/generation.ts';
export type { Clock, Fetch } from './tools.ts';

export interface ApplyOptions {
  /** By backend name. */
  readonly drivers: Readonly<Record<string, Driver>>;
  readonly state: Ledger;
  readonly lease: Lease;
  readonly fetch: Fetch;
  /** Hears everything; must not throw. */
  readonly emit: (event: Event) => void;
  /**
   * Aborted: no new step begins; starts, stops and own writes finish, waits are abandoned. But a model between its old copy and
   * its new one is brought to its end, or its clients are sent back. With a `Superseded` as its reason not even that is
   * waited for: the next run is about to begin, and goes on from there.
   */
  readonly signal: AbortSignal;
  /** How many steps may run at the same time. */
  readonly parallelism: number;
  /** How many of them on one backend; 4 if not given. */
  readonly perBackend?: number;
  /** How long a read-back may lag behind an act, in milliseconds; 2,000 if not given. */
  readonly patienceMs?: number;
  /** How long a driver may take to come back once it was told to end, in milliseconds; 5,000 if not given. */
  readonly graceMs?: number;
  readonly clock: Clock;
  /** `alice@gpu-box` */
  readonly who: string;
  /** As typed, and what made it act now, for the history. Absent: not told. */
  readonly command?: string;
  readonly trigger?: Trigger;
  readonly wayBack?: WayBack;
  readonly source: StackFiles;
  /** Files that the models' options name, for the history. Absent: none. */
  readonly attached?: Attached;
  /** Models that stay otherwise than `source` says, for the history. Absent: none. */
  readonly left?: readonly string[];
}

/** Steps at the same time on one backend. More would only make its loads slower: they share one disk and one device. */
const PER_BACKEND = 4;
const PATIENCE_MS = 2000;
const GRACE_MS = 5000;

/**
 * Performs the steps of a plan and decides nothing. A step that fails stops those that wait for it and no others. Failed
 * steps are part of the result; what is thrown is a ProblemError because the run could not begin (the lease is lost, the
 * state cannot be written), in which case nothing was changed. A plan without steps settles what earlier runs left pending.
 */
export async function applyPlan(plan: Plan, options: ApplyOptions): Promise<ApplyResult> {
  checkOrder(plan.steps);
  const startMs = options.clock.monotonicMs();
  const ledger = await options.state.beginRun(options.lease, {
    plan,
    who: options.who,
    ...(options.command === undefined ? {} : { command: options.command }),
    ...(options.trigger === undefined ? {} : { trigger: options.trigger }),
    ...(options.wayBack === undefined ? {} : { wayBack: options.wayBack }),
    source: options.source,
    ...(options.attached === undefined ? {} : { attached: options.attached }),
    ...(options.left === undefined ? {} : { left: options.left }),
    now: () => options.clock.now(),
  });
  const say = speaker(options, ledger.run);
  say({ type: 'run.started', stack: plan.stack, steps: plan.steps.length, revision: plan.revision, mode: plan.mode, who: options.who });
  const tools = { ...toolsOf(options, ledger, say), leadsTo: startsByFirstStep(plan.steps), underway: new Underway(plan.steps) };
  const steps = await execute(plan.steps, {
    parallelism: options.parallelism,
    perBackend: options.perBackend ?? PER_BACKEND,
    signal: options.signal,
    goesOn: (step) => !isSuperseded(options.signal) && tools.underway.goesOn(step),
    undo: (step, result) => undoDropped(step, result, tools),
    perform: (step) => performStep(step, tools),
    skipped: (result) =>
      say({ type: 'step.skipped', step: result.step, op: result.op, model: result.model, because: result.because ?? '' }),
  });
  return finish(steps, { ledger, options, say, startMs, blocked: plan.summary.blocked });
}

type Say = StepTools['say'];

function speaker(options: ApplyOptions, run: string): Say {
  return (event) => options.emit({ at: options.clock.now(), run, ...event });
}

function toolsOf(options: ApplyOptions, ledger: RunLedger, say: Say): Omit<StepTools, 'leadsTo' | 'underway'> {
  const { drivers, lease, fetch, signal, clock } = options;
  return {
    drivers,
    lease,
    fetch,
    signal,
    clock,
    ledger,
    say,
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    graceMs: options.graceMs ?? GRACE_MS,
  };
}

interface Finishing {
  readonly ledger: RunLedger;
  readonly options: ApplyOptions;
  readonly say: Say;
  readonly startMs: number;
  /** Models of the plan about which nothing could be done. */
  readonly blocked: number;
}

/** History that cannot be written does not make what was done undone: it is told beside the result. */
async function finish(steps: readonly StepResult[], { ledger, options, say, startMs, blocked }: Finishing): Promise<ApplyResult> {
  const outcome = outcomeOf(steps, blocked);
  const ms = options.clock.monotonicMs() - startMs;
  const problems: Problem[] = [];
  const generation = await ledger.finish(outcome, steps, ms).catch((error: unknown) => {
    problems.push(problemOf(error));
    return null;
  });
  const count = (...statuses: readonly StepResult['status'][]) => steps.filter((step) => statuses.includes(step.status)).length;
  const counts = { done: count('done'), failed: count('failed'), skipped: count('skipped', 'cancelled') };
  say({ type: 'run.finished', outcome, ...counts, generation, ms });
  return { outcome, generation, steps, problems, ms };
}

/** A run that did all of its steps is not whole if models were blocked: the stack is not as declared then. */
function outcomeOf(steps: readonly StepResult[], blocked: number): Outcome {
  const has = (status: StepResult['status']) => steps.some((step) => step.status === status);
  if (steps.every((step) => step.status === 'done')) return blocked > 0 && steps.length > 0 ? 'partly' : 'succeeded';
  if (has('cancelled')) return 'cancelled';
  if (has('done')) return 'partly';
  const failed = steps.filter((step) => step.status === 'failed');
  return failed.every((step) => step.problem?.code === 'plan-stale') ? 'stale' : 'failed';
}
