import { resolve } from 'node:path';
import { canApply, type Plan } from '../domain/plan.ts';
import type { Event } from '../domain/event.ts';
import type { Holds } from '../domain/holds.ts';
import { copiesByModel } from '../domain/copies.ts';
import { errorsIn, ProblemError } from '../domain/problem.ts';
import { attachedIn } from '../stack/kept-files.ts';
import { inForce } from '../stack/in-force.ts';
import { leftOut } from '../stack/left-out.ts';
import { sessionOfGeneration } from '../stack/last-session.ts';
import { firstWithWeights, hasLocalWeights } from '../stack/local-weights.ts';
import { lookedAfter } from '../stack/looked-after.ts';
import { stackPaths } from '../stack/paths.ts';
import { goodOthers, releaseOf } from '../stack/release.ts';
import { attachedPaths, sessionOfRevision } from '../stack/revision-session.ts';
import { retire, runPlan, tend } from '../stack/run-plan.ts';
import type { Session } from '../stack/session.ts';
import { planFor, survey, type Survey } from '../stack/survey.ts';
import type { StackPlace, Surroundings } from '../stack/surroundings.ts';
import { fetchedIn, noteWeightsUse } from '../stack/weights-use.ts';
import {
  acquireLease,
  BEGIN_ANEW,
  changeHolds,
  claimStack,
  currentHolder,
  LeaseHeldError,
  listGenerations,
  readGeneration,
  readHolds,
} from '../state/index.ts';
import type { Acted, Hands, Looked, Task } from './types.ts';

/** What the real hands work with. */
export interface HandsParts {
  readonly context: Surroundings;
  readonly place: StackPlace;
  /** Name of the stack, which its state and its processes carry. */
  readonly stack: string;
  readonly stateDir: string;
  readonly parallelism: number;
  /** Hears every event of a run. */
  readonly emit: (event: Event) => void;
}

/** As it is named to others while it holds the lease, and in the history. */
export const COMMAND = 'llmops up';

/** Hands that look at real engines, disks and networks. */
export function realHands(parts: HandsParts): Hands {
  const { context, place, stateDir } = parts;
  const sweeping: Sweeping = { nextMs: 0 };
  let standing: (() => Promise<Session>) | null = null;
  return {
    open: async (revision) => {
      const session = { ...(await sessionOfRevision(revision, context, place)), stateDir };
      refuseRenamed(session, parts);
      const { desired, backends, paths } = session;
      const files = attachedPaths(desired, backends).map((path) => resolve(paths.baseDir, path));
      return { id: releaseOf(session), session, commit: revision.commit, about: revision.about, files };
    },
    generation: (number) => sessionOf(number, parts),
    inForce: async () => {
      standing ??= await standingFrom(parts);
      return (await standing?.()) ?? null;
    },
    look: (session, { signal, ...may }) => look(session, may, { ...context, signal, brief: true }, sweeping),
    act: (task, signal) => act(task, parts, signal),
    lastGood: (release) => lastGood(release, parts),
    isThere: (number) => isThere(number, parts),
    readHolds: () => soundHolds(stateDir),
    changeHolds: (change) => changeHolds(stateDir, change),
  };
}

/** Throws a ProblemError where what is there cannot be understood. */
async function soundHolds(stateDir: string): Promise<Holds> {
  const { holds, problem } = await readHolds(stateDir);
  if (problem === null) return holds;
  throw new ProblemError({ ...problem, severity: 'error', fix: BEGIN_ANEW });
}

/** Its state and its processes carry the name that it had when this process began. */
function refuseRenamed({ desired, paths }: Session, { stack }: HandsParts): void {
  if (desired.stack === stack) return;
  throw new ProblemError({
    code: 'stack-renamed',
    summary: `${paths.shown} names the stack ${desired.stack} now, and what runs belongs to ${stack}.`,
    fix: `Set \`name: ${stack}\` again; or end what runs (llmops down) and start llmops up anew.`,
  });
}

async function sessionOf(number: number, { context, place, stateDir }: HandsParts): Promise<Session> {
  const generation = await readGeneration(stateDir, number);
  const session = generation && (await sessionOfGeneration(generation, { paths: stackPaths(context, place), stateDir, context }));
  if (session) return session;
  throw new ProblemError({
    code: 'no-generation',
    summary: `Generation ${number} is ${generation ? 'of another version of llmops and is not understood' : 'not there any more'}.`,
    fix: 'See which there are: llmops history. To apply the newest release again: llmops resume',
  });
}

/** null: nothing was ever applied. */
async function standingFrom({ context, place, stateDir }: HandsParts): Promise<(() => Promise<Session>) | null> {
  const paths = stackPaths(context, place);
  for (const generation of await listGenerations(stateDir)) {
    const session = await sessionOfGeneration(generation, { paths, stateDir, context });
    if (session) return inForce(context, session);
  }
  return null;
}

/** When logs are cut and records swept again, on the clock that does not jump. */
interface Sweeping {
  nextMs: number;
}

const SWEEP_MS = 60_000;

async function look(
  session: Session,
  { allowDestroy, holdFailed }: Pick<Task, 'allowDestroy' | 'holdFailed'>,
  context: Surroundings,
  sweeping: Sweeping,
): Promise<Looked> {
  const before = currentHolder(session.stateDir);
  const seen = await survey(session, context);
  if (performance.now() >= sweeping.nextMs) {
    sweeping.nextMs = performance.now() + SWEEP_MS;
    await tend(seen.drivers);
  }
  const plan = await planFor(session, seen, 'apply', { allowDestroy, holdFailed });
  const holder = currentHolder(session.stateDir) ?? before;
  return { plan, known: { ...lookedAfter(seen), busy: holder !== null }, processes: processesOf(seen), ...(holder !== null && { holder }) };
}

/** Of copies of ours that run. */
function processesOf({ observed, inventory }: Survey): Looked['processes'] {
  const copies = [...copiesByModel(observed, inventory.endpoints)].flatMap(([model, own]) => own.map((copy) => ({ ...copy, model })));
  return copies.flatMap(({ model, phase, process }) => (phase === 'failed' || process === null ? [] : [{ pid: process.pid, model }]));
}

async function act(task: Task, parts: HandsParts, signal: AbortSignal): Promise<Acted> {
  const { session } = task;
  try {
    const lease = await acquireLease(session.stateDir, { command: COMMAND, waitMs: 0, signal });
    try {
      return await underLease(task, parts, signal, lease);
    } finally {
      lease.release();
    }
  } catch (error) {
    if (error instanceof LeaseHeldError) return { kind: 'busy', holder: error.holder };
    throw error;
  }
}

async function underLease(
  task: Task,
  parts: HandsParts,
  signal: AbortSignal,
  lease: Awaited<ReturnType<typeof acquireLease>>,
): Promise<Acted> {
  const { session, targets, trigger, allowDestroy, holdFailed } = task;
  const context = { ...parts.context, signal };
  // What a look says that was told to stop is nothing that went wrong.
  const seen = await survey(session, context).catch((error: unknown) => (signal.aborted ? null : Promise.reject(error as Error)));
  if (seen === null) return { kind: 'stopped' };
  const { drivers } = seen;
  const plan = await planFor(session, seen, 'apply', { target: targets, allowDestroy, holdFailed });
  if (signal.aborted || !isWorth(plan)) return { kind: 'nothing', plan };
  await noteWeightsUse(session, seen, context);
  await claimStack(session.stateDir, session.paths.file);
  const { parallelism, emit } = parts;
  const left = await leftOut(session, seen, plan);
  const result = await runPlan(
    {
      session,
      plan,
      drivers,
      lease,
      parallelism,
      command: COMMAND,
      trigger,
      emit,
      attached: attachedIn(seen.artifacts),
      weights: fetchedIn(seen.artifacts),
      left,
    },
    context,
  );
  await retire({ drivers, lease, session });
  return { kind: 'ran', plan, result, left };
}

/** There is something to do, or something to close that a cut-off run left open. */
function isWorth(plan: Plan): boolean {
  return canApply(plan) || (plan.interrupted.length > 0 && errorsIn(plan.problems).length === 0);
}

async function lastGood(release: string, { context, place, stateDir }: HandsParts): Promise<number | null> {
  const [{ holds }, generations] = await Promise.all([readHolds(stateDir), listGenerations(stateDir)]);
  const where = { paths: stackPaths(context, place), stateDir, context };
  return (await firstWithWeights(goodOthers(generations, release, holds), where, generations[0]))?.number ?? null;
}

/** True if a generation can be gone back to: it is kept, and so are its weights. */
async function isThere(number: number, { context, place, stateDir }: HandsParts): Promise<boolean> {
  const generations = await listGenerations(stateDir);
  const meant = generations.find((one) => one.number === number) ?? (await readGeneration(stateDir, number).catch(() => null));
  return meant !== null && hasLocalWeights(meant, { paths: stackPaths(context, place), stateDir, context }, generations[0]);
}
