import type { CliContext, StackFlags } from './context.ts';
import { print, printJson, screenOf } from './screen.ts';
import { openSession } from './session.ts';

/** `llmops history`: the applied generations, newest first. */
export async function run(context: CliContext, flags: StackFlags & { readonly limit: number; readonly json?: boolean }): Promise<number> {
  const session = await openSession(context, flags);
  const { listGenerations } = await import('../state/index.ts');
  const generations = (await listGenerations(session.stateDir)).slice(0, flags.limit);
  const { historyDocument, renderHistoryText } = await import('../render/index.ts');
  if (flags.json) await printJson(context.stdout, historyDocument(generations));
  else await print(context.stdout, renderHistoryText(generations, { ...screenOf(context.stdout, context, flags), now: context.now() }));
  return 0;
}
