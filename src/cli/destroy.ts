import type { CliContext } from './context.ts';
import { carryOut, type ApplyFlags } from './carry-out.ts';
import { openSession } from './session.ts';

/** `llmops destroy`: stops everything and forgets that it was applied; asks first. Protected models refuse it. */
export async function run(context: CliContext, flags: ApplyFlags): Promise<number> {
  const session = await openSession(context, flags);
  return carryOut({ session, context, flags, mode: 'destroy', command: 'llmops destroy' });
}
