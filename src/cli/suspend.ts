import { suspend } from '../domain/holds.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { refuseUnknown } from './known-models.ts';
import { say } from './screen.ts';
import { hold, markOf, NO_DAEMON } from './hold.ts';

export interface SuspendFlags extends StackFlags {
  readonly reason?: string;
  readonly for?: number;
}

/** `llmops suspend [models...]`: the daemon leaves them, or the whole stack, as they are. What runs goes on running. */
export async function run(context: CliContext, flags: SuspendFlags, models: readonly string[]): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  await refuseUnknown(models, session);
  const until = flags.for === undefined ? null : new Date(Date.parse(context.now()) + flags.for).toISOString();
  const picture = await hold(session.stateDir, (holds) => suspend(holds, models, { ...markOf(context, flags.reason), until }));
  const what = models.length === 0 ? `The stack ${session.desired.stack}` : models.join(', ');
  const end = until === null ? `until: llmops resume${models.length === 0 ? '' : ` ${models.join(' ')}`}` : `until ${until}`;
  await say(context.stdout, `${what}: left as it is ${end}. A crash is not mended meanwhile.${picture === null ? ` ${NO_DAEMON}` : ''}`);
  return 0;
}
