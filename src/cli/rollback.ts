import { askStatus, followEvents, nudge } from '../control/client.ts';
import type { DaemonPicture } from '../domain/daemon-picture.ts';
import type { Generation } from '../domain/generation.ts';
import { quarantineOf, rollBack, type Holds, type Pin, type Quarantine } from '../domain/holds.ts';
import { ProblemError } from '../domain/problem.ts';
import { sessionOfGeneration } from '../stack/last-session.ts';
import { releaseOfGeneration } from '../stack/release.ts';
import type { Session } from '../stack/session.ts';
import { planFor, survey } from '../stack/survey.ts';
import { changeHolds, listGenerations, readHolds, readState } from '../state/index.ts';
import { approve, mustBeAbleToAsk } from './approve.ts';
import { carryOut } from './carry-out.ts';
import type { CliContext, StackFlags } from './context.ts';
import { eventLine } from './event-line.ts';
import { EXIT } from './exit.ts';
import { openSessionOrLast } from './last-applied.ts';
import { print, say, screenOf } from './screen.ts';
import { markOf } from './stack-state.ts';

export interface RollbackFlags extends StackFlags {
  readonly autoApprove?: boolean;
  readonly reason?: string;
}

/**
 * `llmops rollback [generation]`: shows a plan, and goes back: by the daemon where one runs, else by itself. What was in force is
 * quarantined, so that the loop does not bring it back. Needs neither git nor a network while the weights are on this machine.
 */
export async function run(context: CliContext, flags: RollbackFlags, [given]: readonly string[]): Promise<number> {
  const { session: now } = await openSessionOrLast(context, flags);
  if (!flags.autoApprove) mustBeAbleToAsk(context);
  const way = await wayBack(now, given, context);
  const picture = await askStatus(now.stateDir);
  const hold = () => changeHolds(now.stateDir, (holds) => held(holds, way, picture, markOf(context, flags.reason)));
  const command = `llmops rollback ${way.to.number}`;
  if (picture === null || picture.phase === 'suspended') {
    if (picture !== null)
      await say(context.stderr, 'The stack is suspended, so its daemon changes nothing: this command goes back by itself.');
    const order = { open: async () => way.session, context, flags: { ...flags, ...DEFAULTS }, mode: 'apply' as const, command };
    return carryOut({ ...order, trigger: 'rollback', onApproved: async () => void (await hold()) });
  }
  await show(way.session, context, flags);
  if (!flags.autoApprove) await approve(context, 'apply');
  await hold();
  await say(context.stdout, `\nThe daemon (pid ${picture.pid}) goes back to generation ${way.to.number}:`);
  return watch(way, now.stateDir, context);
}

const DEFAULTS = { parallelism: 10, lockTimeout: 30_000, allowDestroy: true };

/** Where to go back to, and from what. */
interface Way {
  readonly to: Generation;
  readonly session: Session;
  /** The newest generation; null: it cannot be read. */
  readonly from: Generation | null;
}

async function wayBack(now: Session, given: string | undefined, context: CliContext): Promise<Way> {
  const { stateDir, paths } = now;
  const [generations, { inventory }, { holds }] = await Promise.all([listGenerations(stateDir), readState(stateDir), readHolds(stateDir)]);
  const from = generations.find(({ number }) => number === inventory.generation) ?? null;
  const to = given === undefined ? lastOther(generations, from, holds) : generations.find(({ number }) => String(number) === given);
  if (!to) throw nothingToGoBackTo(given, generations);
  const session = await sessionOfGeneration(to, { paths, stateDir, context });
  if (session) return { to, session, from };
  throw new ProblemError({
    code: 'no-generation',
    summary: `Generation ${to.number} was recorded by another version of llmops, and its file is not understood by this one.`,
    fix: `See it: llmops show ${to.number}`,
  });
}

/** The newest one that succeeded, declares something else than what is in force, and was not rolled back itself. */
function lastOther(generations: readonly Generation[], from: Generation | null, holds: Holds): Generation | undefined {
  const current = from && releaseOfGeneration(from);
  return generations.find((one) => {
    const id = releaseOfGeneration(one);
    return one.mode === 'apply' && one.outcome === 'succeeded' && id !== current && quarantineOf(holds, id) === null;
  });
}

function nothingToGoBackTo(given: string | undefined, generations: readonly Generation[]): ProblemError {
  const kept = generations.map(({ number }) => number);
  const range = kept.length === 0 ? 'none' : `${Math.min(...kept)} to ${Math.max(...kept)}`;
  return new ProblemError({
    code: 'no-generation',
    summary:
      given === undefined
        ? 'There is no earlier generation that declares anything else.'
        : `There is no generation ${given}. Kept: ${range}.`,
    fix: 'See which there are: llmops history',
  });
}

/** What is in force, and what the daemon follows, is not to come back by itself; what is gone back to may. */
function held(holds: Holds, { to, from }: Way, picture: DaemonPicture | null, mark: Pick<Pin, 'by' | 'at' | 'why'>): Holds {
  const target = releaseOfGeneration(to);
  const newest = picture?.newest ?? null;
  const bad: readonly Quarantine[] = [
    ...(from === null ? [] : [{ ...mark, release: releaseOfGeneration(from), commit: from.source.commit, generation: from.number }]),
    ...(newest === null ? [] : [{ ...mark, release: newest.release, commit: newest.commit, generation: null }]),
  ].filter(({ release }) => release !== target);
  const open = { ...holds, quarantined: holds.quarantined.filter(({ release }) => release !== target) };
  return [...bad, null].reduce((all: Holds, one) => rollBack(all, { ...mark, generation: to.number }, one), open);
}

async function show(session: Session, context: CliContext, flags: StackFlags): Promise<void> {
  const { renderPlanText } = await import('../render/index.ts');
  const { drivers: _, ...seen } = await survey(session, context);
  const plan = await planFor(session, seen, 'apply', { allowDestroy: true });
  await print(context.stdout, renderPlanText(plan, { ...screenOf(context.stdout, context, flags), now: context.now() }));
}

/** Tells what the daemon does until it is there. */
async function watch(way: Way, stateDir: string, context: CliContext): Promise<number> {
  const ended = new AbortController();
  const telling = tell(stateDir, context, AbortSignal.any([context.signal, ended.signal])).catch(() => undefined);
  await nudge(stateDir);
  const code = await arrival(way, stateDir, context);
  ended.abort();
  await telling;
  return code;
}

async function tell(stateDir: string, context: CliContext, signal: AbortSignal): Promise<void> {
  for await (const event of followEvents(stateDir, 0, signal))
    await print(context.stdout, eventLine(event as Parameters<typeof eventLine>[0]));
}

const ASK_MS = 250;

async function arrival({ to, session }: Way, stateDir: string, context: CliContext): Promise<number> {
  const { setTimeout: pause } = await import('node:timers/promises');
  while (!context.signal.aborted) {
    const picture = await askStatus(stateDir);
    if (picture === null)
      throw new ProblemError({ code: 'no-daemon', summary: 'The daemon ended meanwhile.', fix: 'See what it left: llmops status' });
    if (picture.target === `generation ${to.number}` && picture.phase === 'idle' && picture.waiting.length === 0) {
      if (await isThere(session, context)) return EXIT.ok;
      return notThere(picture, context);
    }
    await pause(ASK_MS, undefined, { signal: context.signal }).catch(() => undefined);
  }
  return context.signalExitCode() ?? EXIT.error;
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
