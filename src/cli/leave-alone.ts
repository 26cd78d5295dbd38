import { askStatus } from '../control/client.ts';
import { suspend } from '../domain/holds.ts';
import type { ApplyFlags } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { say } from './screen.ts';
import { hold, markOf } from './hold.ts';

/** A daemon that brings its wait for the lease to an end, or its run to a safe one, takes no longer than this, in milliseconds. */
export const PATIENCE_MS = 60_000;

/** What a person ends is not to be started anew by the daemon a moment later: it is suspended. True: a daemon runs. */
export async function leaveAlone(stateDir: string, command: string, context: CliContext, { target = [] }: ApplyFlags): Promise<boolean> {
  const picture = await askStatus(stateDir);
  if (picture === null) return false;
  await hold(stateDir, (holds) => suspend(holds, target, { ...markOf(context, command), until: null }));
  const what = target.length === 0 ? 'the stack' : target.join(', ');
  await say(context.stderr, `The daemon (pid ${picture.pid}) leaves ${what} alone from now on, until: llmops resume`);
  return true;
}
