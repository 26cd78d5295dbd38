import type { Pinned } from '../catalog/index.ts';
import type { Problem } from '../domain/problem.ts';
import type { LockedModel } from '../domain/weights.ts';
import type { ParsedLock } from '../lock/index.ts';
import { readLockFile } from '../files/stack-files.ts';
import type { Surroundings } from './surroundings.ts';
import { lockPathOf, type StackPaths } from './paths.ts';
import type { Session } from './session.ts';
import { sha256 } from './sha256.ts';
import { storeOf } from './store.ts';

/** What llmops.lock says about the models of a stack, and what a plan cannot go by. */
export interface Pins {
  /** Absent: nothing is pinned, and nothing has to be. */
  readonly pinned?: Pinned;
  /** Models that would have to be pinned and are not, or not as llmops.yaml reads now; or everything that is wrong with the lock. */
  readonly problems: readonly Problem[];
}

/** Reads llmops.lock. A stack whose models are all files of this machine needs none, and then pays for none. */
export async function readPins(session: Pick<Session, 'paths' | 'desired' | 'lock'>, context: Surroundings): Promise<Pins> {
  const { desired, paths } = session;
  const { lock, places, problems, text } = session.lock === undefined ? await readLock(paths) : await parsed(session.lock, paths);
  if (text === null && desired.models.every(({ source }) => source.kind === 'file')) return { problems: [] };
  const [{ compareLock, lockedFor, lockProblems }, shelf] = await Promise.all([import('../lock/index.ts'), storeOf(context)]);
  const known = lock ?? { models: {}, engines: {} };
  const locked: Record<string, LockedModel> = {};
  for (const model of desired.models) {
    const entry = lockedFor(model, desired.environment, known);
    if (entry !== null) locked[model.name] = entry;
  }
  // With a lock that cannot be read nothing is known to be missing from it.
  if (lock === null && problems.length > 0) return { pinned: { locked, shelf }, problems };
  const comparison = { ...compareLock(desired, known), unused: [] }; // what is left over keeps no plan from being right
  return { pinned: { locked, shelf }, problems: lockProblems({ comparison, desired, file: lockPathOf(paths.shown), places }) };
}

/** A lock file as it was read. */
export interface ReadLock extends ParsedLock {
  /** null: there is no file. */
  readonly text: string | null;
}

/** The lock beside the stack's file; `lock: null` without problems: there is none. Throws a ProblemError if it cannot be read. */
export async function readLock(paths: StackPaths): Promise<ReadLock> {
  return parsed(await readLockBytes(paths), paths);
}

/** The bytes of the lock beside the stack's file; null: there is none. Throws a ProblemError if it cannot be read. */
export async function readLockBytes({ file, shown }: StackPaths): Promise<Uint8Array | null> {
  return readLockFile({ file: lockPathOf(file), shown: lockPathOf(shown) });
}

async function parsed(bytes: Uint8Array | null, { shown }: StackPaths): Promise<ReadLock> {
  if (bytes === null) return { lock: null, places: {}, problems: [], text: null };
  const { parseLock } = await import('../lock/index.ts');
  return { ...parseLock(bytes, lockPathOf(shown), sha256), text: new TextDecoder().decode(bytes) };
}
