import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { holdsAt, resume, WHOLE_STACK, type Holds, type Suspension } from '../domain/holds.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { refuseUnknown } from './known-models.ts';
import { say } from './screen.ts';
import { hold, markOf, NO_DAEMON } from './hold.ts';

const NOTHING_HELD = 'Nothing was held.';

export interface ResumeFlags extends StackFlags {
  readonly reason?: string;
  readonly rollback?: boolean;
}

/**
 * `llmops resume [models...]`: ends suspensions. Without models, and where nothing is suspended, it ends what a rollback holds, so that
 * the newest release is applied; `--rollback` ends that in any case.
 */
export async function run(context: CliContext, flags: ResumeFlags, models: readonly string[]): Promise<number> {
  const { session } = await openSessionOrLast(context, flags);
  await refuseUnknown(models, session);
  const meant = { names: models, rollback: flags.rollback ?? false };
  let [lifted, left] = ['', ''];
  let whole: Suspension | null = null;
  const change = (before: Holds): Holds => {
    const after = resume(before, meant, markOf(context, flags.reason));
    [lifted, left] = [liftedWords(before, after), models.length === 0 ? stillHeldWords(after) : ''];
    whole = models.length === 0 ? null : (holdsAt(after, Date.parse(context.now())).suspended[WHOLE_STACK] ?? null);
    return after;
  };
  const picture = await hold(session.stateDir, change, { anew: true });
  await say(context.stdout, whole === null ? `${lifted}${towards(picture)}${left}` : stillSuspended(models, lifted, whole));
  return 0;
}

function towards(picture: DaemonPicture | null): string {
  return picture === null ? ` ${NO_DAEMON}` : ` The daemon works towards ${picture.target}.`;
}

/** A model is no exception from what holds the whole stack. */
function stillSuspended(models: readonly string[], lifted: string, { by }: Suspension): string {
  const done = lifted === NOTHING_HELD ? '' : `${lifted} `;
  return `${done}The whole stack is suspended by ${by}, and ${models.join(', ')} with it, so nothing happens yet. To lift that: llmops resume`;
}

function liftedWords(before: Holds, after: Holds): string {
  const lifted = [
    ...Object.keys(before.suspended)
      .filter((name) => after.suspended[name] === undefined)
      .map((name) => (name === WHOLE_STACK ? 'the suspension' : `the suspension of ${name}`)),
    ...(before.pin && after.pin === null ? [`the way back to generation ${before.pin.generation}`] : []),
    ...(after.quarantined.length > 0 ? [] : before.quarantined.map(({ release }) => `the quarantine of release ${release}`)),
  ];
  return lifted.length === 0 ? NOTHING_HELD : `Lifted: ${lifted.join(', ')}.`;
}

function stillHeldWords({ pin, quarantined }: Holds): string {
  if (pin === null && quarantined.length === 0) return '';
  const releases = quarantined.map(({ release }) => release).join(', ');
  const what = pin === null ? `the quarantine of release ${releases}` : `the way back to generation ${pin.generation}, by ${pin.by}`;
  return ` Still held: ${what}. To lift that as well, once more: llmops resume`;
}
