import { nudge } from '../control/client.ts';
import { asSentence, ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { say } from './screen.ts';

/** `llmops reconcile`: the daemon looks at its source and at the engines now, and tries again what it had given up on. */
export async function run(context: CliContext, flags: StackFlags): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  const picture = await nudge(session.stateDir);
  if (picture === null) throw noDaemon();
  const [stalled] = picture.stalled;
  await say(context.stdout, `Looking. The daemon works towards ${picture.target}.${stalled ? ` ${asSentence(stalled)}` : ''}`);
  return 0;
}

/** What only a daemon can do. */
export function noDaemon(): ProblemError {
  return new ProblemError({
    code: 'no-daemon',
    summary: 'No daemon runs for this stack.',
    fix: 'Start one: llmops up. Once and by hand: llmops apply',
  });
}
