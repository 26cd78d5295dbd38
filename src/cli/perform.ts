import type { WeightFiles } from '../domain/retention.ts';
import type { ApplyResult } from '../apply/index.ts';
import type { Driver } from '../domain/backend.ts';
import type { Trigger } from '../domain/generation.ts';
import type { Event } from '../domain/event.ts';
import type { Attached } from '../domain/kept.ts';
import type { Lease } from '../domain/ledger.ts';
import type { Plan } from '../domain/plan.ts';
import type { ApplyFlags } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { EXIT, failure, undoneExitCode } from './exit.ts';
import { printProblems } from './failure.ts';
import type { Reporter } from './reporter.ts';
import type { Session } from '../stack/session.ts';
import { retire as retireDrivers, runPlan } from '../stack/run-plan.ts';

/** A plan that was shown and approved, and all that performing it takes. */
export interface Doing {
  readonly session: Session;
  readonly context: CliContext;
  readonly flags: ApplyFlags;
  readonly plan: Plan;
  readonly drivers: Readonly<Record<string, Driver>>;
  readonly attached: Attached;
  readonly weights: WeightFiles;
  readonly left: readonly string[];
  readonly lease: Lease;
  readonly report: Reporter;
  readonly command: string;
  readonly trigger: Trigger;
}

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

/** Lets drivers end what no copy needs any more, and says what they did not end. */
export async function retire({ drivers, lease, session, context, flags }: Doing): Promise<void> {
  await printProblems(await retireDrivers({ drivers, lease, session }), context, flags);
}

/** Closes what a cut-off run left open in the journal, where nothing else is left to do. Writes no generation. */
export async function settle(doing: Doing): Promise<void> {
  await run(doing, () => undefined);
}

async function run(doing: Doing, emit: (event: Event) => void): Promise<ApplyResult> {
  const { context, flags } = doing;
  return runPlan({ ...doing, parallelism: flags.parallelism, emit }, context);
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
