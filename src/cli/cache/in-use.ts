import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliContext, StackFlags } from '../context.ts';
import { ProblemError, problemOf, type Problem } from '../../domain/problem.ts';
import { stackPaths, stateHomeOf } from '../../stack/paths.ts';
import { readLock } from '../../stack/pins.ts';
import { digestsOnRecord } from '../../stack/weights-use.ts';
import { readState } from '../../state/index.ts';
import type { Store, StoreUser } from '../../store/index.ts';
import { awayFolder, unknownUse, unreadableLock, unreadableRecord, unreadableState } from './problems.ts';

/** What of the store is in use. */
export interface InUse {
  /** Of weights, and of their files. */
  readonly digests: ReadonlySet<string>;
  /** What could not be read, and is taken to be in use as it was last known. Warnings. */
  readonly problems: readonly Problem[];
  /** Stacks of which nobody can tell what they use: anything may be. Errors. */
  readonly unknown: readonly Problem[];
}

interface Found {
  readonly digests: readonly string[];
  readonly problems?: readonly Problem[];
  readonly unknown?: readonly Problem[];
}

/**
 * Digests that a stack has on record: as applied now, or in a generation that it may want to go back to; those that it was about to
 * use when it was put on record in the store, wherever its state is; and those that its lock, and the lock here, pin. Throws
 * a ProblemError if the lock here cannot be read.
 */
export async function weightsInUse(context: CliContext, flags: StackFlags, store: Store): Promise<InUse> {
  const { users, unreadable } = await store.users();
  const known = new Set(users.map(({ stateDir }) => stateDir));
  const home = stateHomeOf(context);
  const stacks = await readdir(home, { withFileTypes: true }).catch(() => []);
  const others = stacks.flatMap((entry) => (entry.isDirectory() && !known.has(join(home, entry.name)) ? [join(home, entry.name)] : []));
  const found: Found[] = [{ digests: await pinnedIn(stackPaths(context, flags)), unknown: unreadable.map(unreadableRecord) }];
  for (const user of users) found.push(await usedBy(user));
  for (const stateDir of others) found.push(await usedByStranger(stateDir));
  return {
    digests: new Set(found.flatMap(({ digests }) => digests)),
    problems: found.flatMap(({ problems = [] }) => problems),
    unknown: found.flatMap(({ unknown = [] }) => unknown),
  };
}

/** Of a stack on record: what that tells counts in any case, since nobody knows what a folder that is away would add. */
async function usedBy({ stateDir, lock, digests }: StoreUser): Promise<Found> {
  const [state, pins] = [await readUse(stateDir), lock === null ? { digests: [] } : await readPins(lock)];
  const problems = [...(state.problems ?? []), ...(pins.problems ?? [])];
  return { digests: [...digests, ...state.digests, ...pins.digests], problems };
}

/** Of a stack that an earlier version applied: there is only its state to go by. */
async function usedByStranger(stateDir: string): Promise<Found> {
  const { digests, problems = [] } = await readUse(stateDir);
  const isBad = problems.some(({ code }) => code !== 'stack-away');
  return { digests, unknown: isBad ? [unknownUse(stateDir, problems)] : [] };
}

async function readUse(stateDir: string): Promise<Found> {
  try {
    // A folder in which a disk was mounted is there and empty.
    if ((await readdir(stateDir)).length === 0) return { digests: [], problems: [awayFolder(stateDir)] };
    const { problems } = await readState(stateDir);
    return { digests: await digestsOnRecord(stateDir), problems: problems.map((each) => unreadableState(stateDir, each)) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { digests: [], problems: [awayFolder(stateDir)] };
    return { digests: [], problems: [unreadableState(stateDir, problemOf(error))] };
  }
}

/** A lock that is gone pins nothing, and what it pinned when it was used is on record. */
async function readPins(lock: string): Promise<Found> {
  const shown = lock.replace(/\.lock$/, '.yaml');
  try {
    return { digests: await pinnedIn({ file: shown, shown }) };
  } catch (error) {
    return { digests: [], problems: [unreadableLock(lock, problemOf(error))] };
  }
}

async function pinnedIn(paths: { readonly file: string; readonly shown: string }): Promise<readonly string[]> {
  const { lock, problems } = await readLock({ ...paths, baseDir: '' });
  if (problems[0] !== undefined) throw new ProblemError(problems[0]);
  return Object.values(lock?.models ?? {}).flatMap(({ sha256, files }) => [sha256, ...files.map((file) => file.sha256)]);
}
