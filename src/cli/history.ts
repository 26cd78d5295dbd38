import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { print, printJson, screenOf } from './screen.ts';

export interface HistoryFlags extends StackFlags {
  readonly limit: number;
  readonly json?: boolean;
}

/** `llmops history`: the applied generations, newest first. */
export async function run(context: CliContext, flags: HistoryFlags): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  const { listGenerations, refuseTakenStack } = await import('../state/index.ts');
  await refuseTakenStack(session.stateDir, session.paths.file);
  const generations = (await listGenerations(session.stateDir)).slice(0, flags.limit);
  const { historyDocument, renderHistoryText } = await import('../render/index.ts');
  if (flags.json) await printJson(context.stdout, historyDocument(generations));
  else await print(context.stdout, renderHistoryText(generations, { ...screenOf(context.stdout, context, flags), now: context.now() }));
  return 0;
}
