import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { holdsAt, resume, WHOLE_STACK, type Suspension } from '../domain/holds.ts';
import { readHolds } from '../state/index.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { refuseUnknown } from './known-models.ts';
import { say } from './screen.ts';
import { hold, markOf, NO_DAEMON } from './hold.ts';

export interface ResumeFlags extends StackFlags {
  readonly reason?: string;
}

/** `llmops resume [models...]`: ends suspensions; without models also what a rollback holds, so that the newest release is applied. */
export async function run(context: CliContext, flags: ResumeFlags, models: readonly string[]): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  await refuseUnknown(models, session);
  const { holds } = await readHolds(session.stateDir);
  const lifted = [
    ...Object.keys(holds.suspended)
      .filter((name) => models.length === 0 || models.includes(name))
      .map((name) => (name === '*' ? 'the suspension' : `the suspension of ${name}`)),
    ...(models.length === 0 && holds.pin ? [`the way back to generation ${holds.pin.generation}`] : []),
    ...(models.length === 0 ? holds.quarantined.map(({ release }) => `the quarantine of release ${release}`) : []),
  ];
  const picture = await hold(session.stateDir, (now) => resume(now, models, markOf(context, flags.reason)));
  const what = lifted.length === 0 ? 'Nothing was held.' : `Lifted: ${lifted.join(', ')}.`;
  const whole = holdsAt(holds, Date.parse(context.now())).suspended[WHOLE_STACK];
  await say(context.stdout, models.length > 0 && whole ? stillSuspended(models, lifted, whole) : `${what}${towards(picture)}`);
  return 0;
}

function towards(picture: DaemonPicture | null): string {
  return picture === null ? ` ${NO_DAEMON}` : ` The daemon works towards ${picture.target}.`;
}

/** A model is no exception from what holds the whole stack. */
function stillSuspended(models: readonly string[], lifted: readonly string[], { by }: Suspension): string {
  const names = models.join(', ');
  const done = lifted.length === 0 ? '' : `Lifted: ${lifted.join(', ')}. `;
  return `${done}The whole stack is suspended by ${by}, and ${names} with it, so nothing happens yet. To lift that: llmops resume`;
}
