import { carryOut, type ApplyFlags } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';

/** `llmops destroy`: as `llmops down`, meant for good: asks first, and protected models refuse it. History stays. Works without a valid llmops.yaml. */
export async function run(context: CliContext, flags: ApplyFlags): Promise<number> {
  const open = async () => (await openSessionOrLast(context, flags)).session;
  return carryOut({ open, context, flags, mode: 'destroy', command: 'llmops destroy' });
}
