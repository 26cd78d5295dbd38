import { setTimeout as pause } from 'node:timers/promises';
import { askStatus, followEvents, nudge } from '../../control/client.ts';
import type { DaemonPicture } from '../../domain/daemon-picture.ts';
import type { Generation } from '../../domain/generation.ts';
import { ProblemError } from '../../domain/problem.ts';
import { releaseOfGeneration } from '../../stack/release.ts';
import type { Session } from '../../stack/session.ts';
import { planFor, survey } from '../../stack/survey.ts';
import { readHolds } from '../../state/index.ts';
import type { CliContext } from '../context.ts';
import { renderDaemonLine } from '../../render/daemon-event.ts';
import { EXIT } from '../exit.ts';
import { localClock } from '../moment.ts';
import { lineWidthOf, print, say } from '../screen.ts';
import { insteadOf } from './instead.ts';
import type { Way } from './way.ts';

/** Tells what the daemon does until it is there, or somebody wants something else. Throws a ProblemError `superseded` or `no-daemon` then. */
export async function watchDaemon(way: Way, stateDir: string, context: CliContext): Promise<number> {
  const ended = new AbortController();
  const telling = tell(stateDir, context, AbortSignal.any([context.signal, ended.signal])).catch(() => undefined);
  await nudge(stateDir);
  try {
    return await arrival(way, stateDir, context);
  } finally {
    ended.abort();
    await telling;
  }
}

async function tell(stateDir: string, context: CliContext, signal: AbortSignal): Promise<void> {
  for await (const event of followEvents(stateDir, 0, signal))
    await print(context.stdout, renderDaemonLine(event as Parameters<typeof renderDaemonLine>[0], localClock, lineWidthOf(context.stdout)));
}

const ASK_MS = 250;

async function arrival(way: Way, stateDir: string, context: CliContext): Promise<number> {
  const { to, session } = way;
  while (!context.signal.aborted) {
    const picture = await askStatus(stateDir);
    if (picture === null) throw daemonEnded(to);
    const { holds } = await readHolds(stateDir); // after the picture, so that what it tells of is in them
    const instead = insteadOf(way, { holds, picture, wallMs: Date.parse(context.now()) });
    if (instead !== null) throw new ProblemError(instead);
    if (isTowards(picture, to) && picture.phase === 'idle' && picture.waiting.length === 0) {
      if (await isThere(session, context)) return EXIT.ok;
      return notThere(picture, context);
    }
    await pause(ASK_MS, undefined, { signal: context.signal }).catch(() => undefined);
  }
  return context.signalExitCode() ?? EXIT.error;
}

function daemonEnded({ number }: Generation): ProblemError {
  return new ProblemError({
    code: 'no-daemon',
    summary: `The daemon ended meanwhile. Generation ${number} is held, and the next llmops up goes on to it.`,
    fix: 'See what it left: llmops status',
  });
}

/** What is gone back to may be what the source declares as well: then the daemon simply follows that again. */
function isTowards({ target, newest }: DaemonPicture, to: Generation): boolean {
  const isFollowed = newest?.release === releaseOfGeneration(to) && /^(release|commit) /.test(target);
  return isFollowed || target === `generation ${to.number}`;
}

/** By the engines, and not by what the daemon says of itself: a source that is away is trouble, and none of a way back. */
async function isThere(session: Session, context: CliContext): Promise<boolean> {
  const { drivers: _, ...seen } = await survey(session, context);
  const { steps, summary } = await planFor(session, seen, 'apply', { allowDestroy: true });
  return steps.length === 0 && summary.blocked === 0;
}

async function notThere({ stalled, conditions }: DaemonPicture, context: CliContext): Promise<number> {
  const problem = stalled.at(-1); // those of its source come first
  if (problem) throw new ProblemError(problem);
  const ready = conditions.find(({ type }) => type === 'Ready');
  await say(context.stderr, `Not all of it is there. ${ready?.message ?? ''} The daemon goes on trying; see: llmops status`);
  return EXIT.error;
}
