import { hostname, userInfo } from 'node:os';
import { canApply, hasChanges, type Plan } from '../domain/plan.ts';
import { errorsIn } from '../domain/problem.ts';
import { approve } from './approve.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT, failure } from './exit.ts';
import { printProblems } from './failure.ts';
import { exitCode as planExitCode } from './plan.ts';
import { refuseStale, type PlanFile } from './plan-file.ts';
import { progressNote } from './progress-note.ts';
import { reporter, type Reporter } from './reporter.ts';
import type { Session } from './session.ts';
import { planFor, survey, type PlanFlags, type Survey } from './survey.ts';

export interface ApplyFlags extends StackFlags, PlanFlags {
  readonly autoApprove?: boolean;
  readonly json?: boolean;
  readonly parallelism: number;
  readonly lockTimeout: number;
  readonly detailedExitcode?: boolean;
  readonly observeTimeout?: number;
}

export interface Order {
  readonly session: Session;
  readonly context: CliContext;
  readonly flags: ApplyFlags;
  readonly mode: Plan['mode'];
  /** As it will be named to others while it holds the lease. */
  readonly command: string;
  /** Performed exactly, instead of what would be planned now. */
  readonly saved?: PlanFile;
}

/** Takes the lease, plans, shows, asks, performs, reports. The one way by which this program changes the world. */
export async function carryOut(order: Order): Promise<number> {
  const { session, context, flags } = order;
  const { acquireLease, claimStack, openState } = await import('../state/index.ts');
  const state = await openState(session.stateDir);
  const lease = await acquireLease(session.stateDir, { command: order.command, waitMs: flags.lockTimeout });
  try {
    const claimed = await claimStack(session.stateDir, session.paths.file);
    const seen = await see(order);
    const fresh = await planFor(session, seen, order.mode, order.saved ? { ...order.saved.flags, target: order.saved.plan.targets } : flags);
    if (order.saved) refuseStale(order.saved, fresh);
    const plan = order.saved?.plan ?? fresh;
    const report = await reporter(context, flags);
    await printProblems(claimed ? [claimed] : [], context, flags);
    await report.plan(plan);
    if (!canApply(plan)) return await refusal(plan, flags);
    if (!flags.autoApprove) await approve(context, order.mode);
    return await perform(order, plan, seen, { state, lease, report });
  } finally {
    lease.release();
  }
}

async function see({ session, context, flags }: Order): Promise<Survey> {
  const note = progressNote(context);
  try {
    return await survey(session, context, { ...(flags.observeTimeout === undefined ? {} : { observeTimeout: flags.observeTimeout }), progress: note.show });
  } finally {
    note.clear();
  }
}

/** Nothing to do, or not allowed. */
async function refusal(plan: Plan, flags: ApplyFlags): Promise<number> {
  if (errorsIn(plan.problems).length > 0) return planExitCode(plan, flags.detailedExitcode);
  return hasChanges(plan) || plan.summary.blocked > 0 ? failure(EXIT.partlyApplied, flags.detailedExitcode) : EXIT.ok;
}

interface Tools {
  readonly state: Awaited<ReturnType<(typeof import('../state/index.ts'))['openState']>>;
  readonly lease: Awaited<ReturnType<(typeof import('../state/index.ts'))['acquireLease']>>;
  readonly report: Reporter;
}

async function perform(order: Order, plan: Plan, seen: Survey, { state, lease, report }: Tools): Promise<number> {
  const { session, context, flags } = order;
  const { applyPlan } = await import('../apply/index.ts');
  const stopping = () =>
    context.stderr.write('\nStopping: starts and stops in flight are finished, waits are abandoned, nothing new begins. Once more to end at once.\n');
  context.signal.addEventListener('abort', stopping, { once: true });
  const result = await applyPlan(plan, {
    drivers: seen.drivers,
    state,
    lease,
    emit: report.event,
    signal: context.signal,
    parallelism: flags.parallelism,
    clock: { now: context.now, monotonicMs: () => performance.now() },
    who: who(),
    source: { file: session.paths.file, text: session.text, commit: null },
  });
  context.signal.removeEventListener('abort', stopping);
  await report.result(result, plan);
  const signalled = context.signalExitCode();
  if (signalled !== null) return signalled;
  switch (result.outcome) {
    case 'succeeded':
      return plan.summary.blocked > 0 ? failure(EXIT.partlyApplied, flags.detailedExitcode) : EXIT.ok;
    case 'stale':
      return failure(EXIT.planStale, flags.detailedExitcode);
    default:
      return failure(result.steps.some((step) => step.status === 'done') ? EXIT.partlyApplied : EXIT.error, flags.detailedExitcode);
  }
}

/** Who does this, for history and for whoever waits for the lease: `alice@gpu-box`. */
function who(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}@${hostname()}`; // a container's user may have no name
  }
}
