import { nudge } from '../control/client.ts';
import { changeHolds, type HoldsWriting } from '../state/index.ts';
import type { DaemonPicture } from '../domain/daemon-picture.ts';
import type { Holds, Mark } from '../domain/holds.ts';
import { who } from '../stack/run-plan.ts';
import type { CliContext } from './context.ts';

/** Who does this now, and why. */
export function markOf(context: CliContext, why: string | undefined): Mark {
  return { by: who(context.env), at: context.now(), why: why ?? null };
}

/** Changes what holds the loop, and lets the daemon see it at once. Resolves to what that is at then; null: none runs. */
export async function hold(stateDir: string, change: (holds: Holds) => Holds, how: HoldsWriting = {}): Promise<DaemonPicture | null> {
  await changeHolds(stateDir, change, how);
  return nudge(stateDir);
}

/** What to add where no daemon runs that would heed it. */
export const NO_DAEMON = 'No daemon runs for this stack now; the next `llmops up` heeds it.';
