import type { CliContext } from './context.ts';
import { carryOut, type ApplyFlags } from './carry-out.ts';
import { openSession } from './session.ts';

/** `llmops down`: stops what this stack started and keeps every file. Asks nothing, as it loses nothing. */
export async function run(context: CliContext, flags: ApplyFlags): Promise<number> {
  const session = await openSession(context, flags);
  return carryOut({ session, context, flags: { ...flags, autoApprove: true }, mode: 'down', command: 'llmops down' });
}
