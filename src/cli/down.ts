import { carryOut, type ApplyFlags } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';

/** `llmops down`: stops what this stack started and keeps every file. Asks nothing, as it loses nothing; works without a valid llmops.yaml. */
export async function run(context: CliContext, flags: ApplyFlags): Promise<number> {
  const open = async () => (await openSessionOrLast(context, flags)).session;
  return carryOut({ open, context, flags: { ...flags, autoApprove: true }, mode: 'down', command: 'llmops down' });
}
