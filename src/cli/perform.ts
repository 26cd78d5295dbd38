import { hostname, userInfo } from 'node:os';
import type { ApplyResult } from '../apply/index.ts';
import type { Driver } from '../domain/backend.ts';
import type { Trigger } from '../domain/generation.ts';
import { problemOf } from '../domain/problem.ts';
import type { Event } from '../domain/event.ts';
import type { Lease } from '../domain/ledger.ts';
import type { Plan } from '../domain/plan.ts';
import type { ApplyFlags } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { EXIT, failure, undoneExitCode } from './exit.ts';
import { printProblems } from './failure.ts';
import type { Reporter } from './reporter.ts';
import type { Session } from './session.ts';
import { fetcher } from './store.ts';

/** A plan that was shown and approved, and all that performing it takes. */
export interface Doing {
  readonly session: Session;
  readonly context: CliContext;
  readonly flags: ApplyFlags;
  readonly plan: Plan;
  readonly drivers: Readonly<Record<string, Driver>>;
  readonly lease: Lease;
  readonly report: Reporter;
  readonly command: string;
  readonly trigger: Trigger;
}

/** A server may wait for its engines to end. */
const RETIRE_MS = 30_000;
const STOPPING =
  'Stopping: nothing new begins and waits are abandoned; a model between its old copy and its new one is brought to its end, or its clients are sent back. Ctrl-C once more ends at once.';

/** Performs the plan and tells what became of it. */
export async function perform(doing: Doing): Promise<number> {
  const { session, context, flags, plan, report } = doing;
  const { claimStack } = await import('../state/index.ts');
  const moved = await claimStack(session.stateDir, session.paths.file);
  await printProblems(moved ? [moved] : [], context, flags);
  const stopping = () => report.note(STOPPING);
  context.signal.addEventListener('abort', stopping, { once: true });
  try {
    const result = await run(doing, report.event);
    await report.result(result, plan);
    return context.signalExitCode() ?? resultExitCode(result, flags);
  } finally {
    context.signal.removeEventListener('abort', stopping);
  }
}

/**
 * Cuts long logs and sweeps: without somebody who supervises, an apply is the only time that anybody looks after them, so
 * also one that finds nothing to change does. Only ever tidiness: what cannot be swept keeps no apply from acting.
 */
export async function tend(drivers: Doing['drivers']): Promise<void> {
  for (const driver of Object.values(drivers)) await driver.tend?.().catch(() => undefined);
}

/** Lets drivers end what no copy needs any more, and says what they did not end. Not without the lease: it may be needed by now. */
export async function retire({ drivers, lease, context, flags }: Doing): Promise<void> {
  if (!holds(lease)) return;
  const all = Object.values(drivers).map((driver) =>
    driver.retire?.(AbortSignal.timeout(RETIRE_MS)).catch((error: unknown) => [problemOf(error)]),
  );
  await printProblems(
    (await Promise.all(all)).flatMap((problems) => problems ?? []),
    context,
    flags,
  );
}

function holds(lease: Lease): boolean {
  try {
    lease.verify();
    return true;
  } catch {
    return false;
  }
}

/** Closes what a cut-off run left open in the journal, where nothing else is left to do. Writes no generation. */
export async function settle(doing: Doing): Promise<void> {
  await run(doing, () => undefined);
}

async function run(
  { session, context, flags, plan, drivers, lease, command, trigger }: Doing,
  emit: (event: Event) => void,
): Promise<ApplyResult> {
  const { applyPlan } = await import('../apply/index.ts');
  const { openState } = await import('../state/index.ts');
  const { commitOf } = await import('./git-commit.ts');
  const { file } = session.paths;
  await tend(drivers);
  return applyPlan(plan, {
    drivers,
    state: await openState(session.stateDir),
    lease,
    fetch: fetcher(session.desired, context),
    emit,
    signal: context.signal,
    parallelism: flags.parallelism,
    clock: { now: context.now, monotonicMs: () => Math.round(performance.now()) },
    who: who(context.env),
    command,
    trigger,
    source: { file, text: session.text, commit: await commitOf(file, session.text, context.env) },
  });
}

function resultExitCode(result: ApplyResult, flags: ApplyFlags): number {
  switch (result.outcome) {
    case 'succeeded':
      return EXIT.ok;
    case 'stale':
      return failure(EXIT.planStale, flags.detailedExitcode);
    default:
      return undoneExitCode(result.steps, flags.detailedExitcode);
  }
}

/** Who does this, for history: `alice@gpu-box`, or `alice (sudo root)@gpu-box`. */
export function who(env: CliContext['env']): string {
  const user = userName();
  const person = env['SUDO_USER'];
  return `${person && person !== user ? `${person} (sudo ${user})` : user}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`; // a container's user may have no name
  }
}
