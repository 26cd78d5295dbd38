import { askStatus } from '../control/client.ts';
import { approve } from '../domain/holds.ts';
import { ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { noDaemon } from './reconcile.ts';
import { say } from './screen.ts';
import { hold, markOf } from './hold.ts';

export interface ApproveFlags extends StackFlags {
  readonly reason?: string;
}

/** `llmops approve [plan]`: lets through what the daemon has parked; with its name, only if it is still that. */
export async function run(context: CliContext, flags: ApproveFlags, [key]: readonly string[]): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  const picture = await askStatus(session.stateDir);
  if (picture === null) throw noDaemon();
  const { parked } = picture;
  if (parked === null || (key !== undefined && key !== parked.key)) throw notParked(key, parked?.key ?? null);
  await hold(session.stateDir, (holds) => approve(holds, { ...markOf(context, flags.reason), plan: parked.key, covers: parked.covers }));
  await say(context.stdout, `Approved: ${parked.summary} It is applied now. See: llmops events -f`);
  return 0;
}

function notParked(key: string | undefined, parked: string | null): ProblemError {
  return new ProblemError({
    code: 'not-parked',
    summary:
      key === undefined || parked === null ? 'No plan waits for an approval.' : `The plan that waits is ${parked} now, and not ${key}.`,
    fix: 'See what the daemon does: llmops status',
  });
}
