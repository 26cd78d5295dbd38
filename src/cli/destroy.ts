import { carryOut, type ApplyFlags } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { leaveAlone } from './leave-alone.ts';

const COMMAND = 'llmops destroy';

/** `llmops destroy`: as `llmops down`, meant for good: asks first, and protected models refuse it. History stays. Works without a valid llmops.yaml. */
export async function run(context: CliContext, flags: ApplyFlags): Promise<number> {
  const opening = openSessionOrLast(context, flags);
  opening.catch(() => undefined); // told below
  const onApproved = async () => void (await leaveAlone((await opening).session.stateDir, COMMAND, context, flags));
  return carryOut({ open: async () => (await opening).session, context, flags, mode: 'destroy', command: COMMAND, onApproved });
}
