import { canApply, hasChanges, type Plan } from '../domain/plan.ts';
import { errorsIn } from '../domain/problem.ts';
import type { Trigger } from '../domain/generation.ts';
import type { Lease } from '../domain/ledger.ts';
import { approve, mustBeAbleToAsk, type Question } from './ask.ts';
import { warnOfDaemon } from './beside-daemon.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT, failure, planExitCode } from './exit.ts';
import { tend } from '../stack/run-plan.ts';
import { perform, retire, settle } from './perform.ts';
import { refuseStale, type PlanFile } from './plan-file.ts';
import { reporter, type Reporter } from './reporter.ts';
import { say } from './screen.ts';
import { attachedIn } from '../stack/kept-files.ts';
import { fetchedIn, noteWeightsUse } from '../stack/weights-use.ts';
import type { Session } from '../stack/session.ts';
import { leftOut } from '../stack/left-out.ts';
import { planFor, survey, type PlanFlags } from '../stack/survey.ts';

export interface ApplyFlags extends StackFlags, PlanFlags {
  readonly autoApprove?: boolean;
  readonly json?: boolean;
  readonly parallelism: number;
  readonly lockTimeout: number;
  readonly detailedExitcode?: boolean;
  readonly observeTimeout?: number;
}

/** What is to be carried out. */
export interface Order {
  readonly open: () => Promise<Session>;
  readonly context: CliContext;
  readonly flags: ApplyFlags;
  readonly mode: Plan['mode'];
  /** As it will be named to others while it holds the lease, and in the history. */
  readonly command: string;
  /** What made it act; `command` if not given. */
  readonly trigger?: Trigger;
  /** Called when it is about to be performed, or when nothing is left to perform. */
  readonly onApproved?: () => Promise<void>;
  /** Called with the plan once it was shown. What it throws ends the command, and nothing is done. */
  readonly check?: (plan: Plan) => Promise<void>;
  /** The plan is shown before anybody is asked, also where nobody can be; and is asked about where it does nothing. Absent: neither. */
  readonly question?: Question;
  /** Performed exactly, instead of what would be planned now. */
  readonly saved?: PlanFile;
}

/** Takes the lease, plans, shows, asks, performs, reports. The one way by which this program changes the world. */
export async function carryOut(order: Order): Promise<number> {
  const report = await reporter(order.context, order.flags);
  try {
    const session = await order.open();
    if (!order.flags.autoApprove && order.question === undefined) mustBeAbleToAsk(order.context);
    const lease = await takeLease(order, session);
    try {
      return await underLease(order, session, lease, report);
    } finally {
      lease.release();
    }
  } catch (error) {
    await report.failed(error);
    throw error;
  }
}

/** Says whom it waits for, where it may wait at all. */
async function takeLease({ context, flags, command }: Order, session: Session): Promise<Lease> {
  const { acquireLease, LeaseHeldError } = await import('../state/index.ts');
  const { signal } = context;
  try {
    return await acquireLease(session.stateDir, { command, waitMs: 0, signal });
  } catch (error) {
    if (!(error instanceof LeaseHeldError) || flags.lockTimeout === 0) throw error;
    const limit = Number.isFinite(flags.lockTimeout) ? ` up to ${flags.lockTimeout / 1000} s` : '';
    await say(context.stderr, `This stack is being changed by ${error.holder}. Waiting${limit} for it to end.`);
    return acquireLease(session.stateDir, { command, waitMs: flags.lockTimeout, signal });
  }
}

async function underLease(order: Order, session: Session, lease: Lease, report: Reporter): Promise<number> {
  const { context, flags, mode, saved } = order;
  const seen = await survey(session, context, flags.observeTimeout);
  const fresh = await planFor(session, seen, mode, saved ? { ...saved.flags, target: saved.plan.targets } : flags);
  if (saved) refuseStale(saved, fresh, seen.artifacts);
  const plan = saved?.plan ?? fresh;
  await report.plan(plan);
  await order.check?.(plan);
  const { command, trigger = 'command' } = order;
  const [attached, weights] = [attachedIn(seen.artifacts), fetchedIn(seen.artifacts)];
  const left = await leftOut(session, seen, plan);
  const doing = { session, context, flags, plan, drivers: seen.drivers, attached, weights, left, lease, report, command, trigger };
  // Also where nothing is left to do: what an earlier fetch brought is used from now on.
  const note = () => (mode === 'apply' || mode === 'prefetch' ? noteWeightsUse(session, seen, context) : undefined);
  if (!canApply(plan)) {
    await note();
    if (errorsIn(plan.problems).length === 0 && plan.interrupted.length > 0) await settle(doing);
    await tend(seen.drivers);
    if (errorsIn(plan.problems).length === 0) await retire(doing);
    if (order.question !== undefined && !flags.autoApprove) await approve(context, order.question);
    if (errorsIn(plan.problems).length === 0) await order.onApproved?.();
    await report.nothing(plan);
    return idleExitCode(plan, flags);
  }
  if (mode === 'apply' && trigger === 'command') await warnOfDaemon(plan, session.stateDir, context);
  if (!flags.autoApprove) await approve(context, order.question ?? mode);
  context.signal.throwIfAborted();
  await order.onApproved?.();
  await note();
  try {
    return await perform(doing);
  } finally {
    await retire(doing);
  }
}

/** Nothing to do, or not allowed. */
function idleExitCode(plan: Plan, flags: ApplyFlags): number {
  if (errorsIn(plan.problems).length > 0) return planExitCode(plan, flags.detailedExitcode);
  return hasChanges(plan) || plan.summary.blocked > 0 ? failure(EXIT.partlyApplied, flags.detailedExitcode) : EXIT.ok;
}
