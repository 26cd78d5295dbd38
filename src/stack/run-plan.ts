import { hostname, userInfo } from 'node:os';
import type { ApplyResult } from '../apply/index.ts';
import type { Driver } from '../domain/backend.ts';
import type { Event } from '../domain/event.ts';
import type { StackFiles, Trigger, WayBack } from '../domain/generation.ts';
import type { Attached } from '../domain/kept.ts';
import type { Lease } from '../domain/ledger.ts';
import type { Plan } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import type { WeightFiles } from '../domain/retention.ts';
import { keepFiles, pruneFiles } from './kept-files.ts';
import { readLockBytes } from './pins.ts';
import type { Session } from './session.ts';
import { fetcher } from './store.ts';
import type { Surroundings } from './surroundings.ts';

/** A plan that may be carried out, and all that performing it takes. */
export interface Running {
  readonly session: Session;
  readonly plan: Plan;
  readonly drivers: Readonly<Record<string, Driver>>;
  readonly lease: Lease;
  /** Files that the options of all declared models name, for the history and for who goes back to it. Absent: those of the starts. */
  readonly attached?: Attached;
  /** {@link fetchedIn} of what was seen, for the history. Absent: not told. */
  readonly weights?: WeightFiles;
  /** {@link leftOut}, for the history. */
  readonly left: readonly string[];
  readonly parallelism: number;
  /** As named to others, and in the history. */
  readonly command: string;
  readonly trigger: Trigger;
  /** Hears everything; must not throw. */
  readonly emit: (event: Event) => void;
}

/** A server may wait for its engines to end. */
const RETIRE_MS = 30_000;

/** Performs a plan with lease, journal and history. Throws what {@link applyPlan} and {@link keepFiles} throw. */
export async function runPlan({ session, plan, drivers, lease, ...how }: Running, context: Surroundings): Promise<ApplyResult> {
  const attached = how.attached ?? attachedOf(plan);
  lease.verify();
  await keepFiles(session, plan, attached);
  const result = await perform({ session, plan, drivers, lease, ...how, ...(Object.keys(attached).length > 0 && { attached }) }, context);
  if (result.outcome === 'succeeded' && result.generation !== null && holds(lease)) await pruneFiles(session, attached);
  return result;
}

async function perform({ session, plan, drivers, lease, weights, ...how }: Running, context: Surroundings): Promise<ApplyResult> {
  const { applyPlan } = await import('../apply/index.ts');
  const { openState } = await import('../state/index.ts');
  await tend(drivers);
  const wayBack = how.trigger === 'rollback' ? await wayBackIn(session.stateDir) : null;
  return applyPlan(plan, {
    drivers,
    state: await openState(session.stateDir),
    lease,
    fetch: fetcher(session.desired, context),
    signal: context.signal,
    clock: { now: context.now, monotonicMs: () => Math.round(performance.now()) },
    who: who(context.env),
    source: { ...(await filesOf(session, context)), ...(weights && { weights }) },
    ...(wayBack && { wayBack }),
    ...how,
  });
}

/** Why the stack is taken back, as it stands in what holds it by then; null: nobody tells. */
async function wayBackIn(stateDir: string): Promise<WayBack | null> {
  const { readHolds } = await import('../state/index.ts');
  const { pin } = (await readHolds(stateDir)).holds;
  return pin && { to: pin.generation, by: pin.by, why: pin.why };
}

/** What it takes to come back to what is applied now. */
async function filesOf({ paths, text, lock, desired, ...session }: Session, { env }: Surroundings): Promise<StackFiles> {
  const { file } = paths;
  const [commit, bytes] = await Promise.all([
    session.commit ?? import('./git-commit.ts').then(({ commitOf }) => commitOf(file, text, env)),
    lock === undefined ? readLockBytes(paths) : lock,
  ]);
  const pinned = bytes === null ? null : new TextDecoder().decode(bytes);
  const { retention } = desired;
  return { file, text, commit, lock: pinned, ...(retention && { retention }) };
}

function attachedOf({ steps }: Plan): Attached {
  return Object.assign({}, ...steps.map((step) => (step.op === 'start' ? step.spec.attachments : {}))) as Attached;
}

/**
 * Cuts long logs and sweeps: without somebody who supervises, an apply is the only time that anybody looks after them, so
 * also one that finds nothing to change does. Only ever tidiness: what cannot be swept keeps no apply from acting.
 */
export async function tend(drivers: Running['drivers']): Promise<void> {
  for (const driver of Object.values(drivers)) await driver.tend?.().catch(() => undefined);
}

/**
 * Lets drivers end what no copy needs any more, and tells what they did not end. Not without the lease: it may be needed by now.
 * What is on record is read anew: the run has changed it.
 */
export async function retire({ drivers, lease, session }: Pick<Running, 'drivers' | 'lease' | 'session'>): Promise<readonly Problem[]> {
  if (!holds(lease)) return [];
  const { readState } = await import('../state/index.ts');
  const models = Object.entries((await readState(session.stateDir)).inventory.models);
  const all = Object.entries(drivers).map(([backend, driver]) => {
    const applied = new Set(models.filter(([, model]) => model.backend === backend).map(([name]) => name));
    return driver.retire?.(AbortSignal.timeout(RETIRE_MS), applied).catch((error: unknown) => [problemOf(error)]);
  });
  return (await Promise.all(all)).flatMap((problems) => problems ?? []);
}

function holds(lease: Lease): boolean {
  try {
    lease.verify();
    return true;
  } catch {
    return false;
  }
}

/** Who does this, for history: `alice@gpu-box`, or `alice (sudo root)@gpu-box`. */
export function who(env: Surroundings['env']): string {
  const user = userName();
  const person = env['SUDO_USER'];
  return `${person && person !== user ? `${person} (sudo ${user})` : user}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`; // a container's user may have no name
  }
}
