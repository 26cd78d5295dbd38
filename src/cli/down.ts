import { carryOut, type ApplyFlags } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { leaveAlone, PATIENCE_MS } from './leave-alone.ts';

const COMMAND = 'llmops down';

/** `llmops down`: stops what this stack started and keeps every file. Asks nothing, as it loses nothing; works without a valid llmops.yaml. */
export async function run(context: CliContext, flags: ApplyFlags): Promise<number> {
  const opening = openSessionOrLast(context, flags);
  const opened = await opening.catch(() => null); // why not, is told below
  const isKept = opened !== null && (await leaveAlone(opened.session.stateDir, COMMAND, context, flags));
  const patient = isKept ? { lockTimeout: flags.lockTimeout || PATIENCE_MS } : {};
  const order = { open: async () => (await opening).session, context, mode: 'down' as const, command: COMMAND };
  return carryOut({ ...order, flags: { ...flags, ...patient, autoApprove: true } });
}
