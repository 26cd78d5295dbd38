import { readFile } from 'node:fs/promises';
import type { Pinned } from '../catalog/index.ts';
import type { Desired, ModelSpec } from '../domain/desired.ts';
import type { ModelLock, Outdated } from '../domain/lock.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import type { LockedModel } from '../domain/weights.ts';
import type { ParsedLock } from '../lock/index.ts';
import type { CliContext } from './context.ts';
import { lockPathOf, type StackPaths } from './paths.ts';
import type { Session } from './session.ts';
import { sha256 } from './sha256.ts';
import { storeOf } from './store.ts';

/** What llmops.lock says about the models of a stack, and what a plan cannot go by. */
export interface Pins {
  readonly pinned: Pinned;
  /** Models that would have to be pinned and are not, or not as llmops.yaml reads now; or everything that is wrong with the lock. */
  readonly problems: readonly Problem[];
}

/** Reads llmops.lock. A stack whose models are all files of this machine needs none. */
export async function readPins(session: Pick<Session, 'paths' | 'desired'>, context: CliContext): Promise<Pins> {
  const { desired, paths } = session;
  const [{ lock, problems }, { compareLock, lockedFor }, shelf] = await Promise.all([
    readLock(paths),
    import('../lock/index.ts'),
    storeOf(context),
  ]);
  const known = lock ?? { models: {}, engines: {} };
  const locked: Record<string, LockedModel> = {};
  for (const model of desired.models) {
    const entry = lockedFor(model, desired.environment, known);
    if (entry !== null) locked[model.name] = entry;
  }
  // With a lock that cannot be read nothing is known to be missing from it.
  const unpinned =
    lock === null && problems.length > 0 ? [] : compareLock(desired, known).models.flatMap((each) => unpinnedProblem(each, desired));
  return { pinned: { locked, shelf }, problems: [...problems, ...unpinned] };
}

/** The lock beside the stack's file; `lock: null` without problems: there is none. Throws a ProblemError if it cannot be read. */
export async function readLock({ file, shown }: StackPaths): Promise<ParsedLock> {
  const bytes = await readFile(lockPathOf(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new ProblemError(
      { code: 'lock-unreadable', summary: `${lockPathOf(shown)} cannot be read: ${error.code}.`, fix: 'Mend its permissions.' },
      error,
    );
  });
  if (bytes === null) return { lock: null, places: {}, problems: [] };
  const { parseLock } = await import('../lock/index.ts');
  return parseLock(bytes, lockPathOf(shown), sha256);
}

function unpinnedProblem({ model: name, status, why }: ModelLock, desired: Desired): readonly Problem[] {
  const model = desired.models.find((each) => each.name === name);
  if (model === undefined || status === 'locked' || status === 'not-needed') return [];
  const place = desired.places[`models.${name}.${keyOf(why[0])}`] ?? desired.places[`models.${name}.source`];
  return [{ ...(status === 'missing' ? notLocked(model) : lockOutdated(model, why)), ...(place === undefined ? {} : { place }) }];
}

function keyOf(why: Outdated | undefined): string {
  return why?.what ?? 'source';
}

function notLocked({ name, source }: ModelSpec): Problem {
  return {
    severity: 'error',
    code: 'not-locked',
    summary: `${name} is not pinned yet: llmops.lock has no entry for ${source.written}.`,
    fix: 'Run: llmops lock',
  };
}

function lockOutdated({ name }: ModelSpec, why: readonly Outdated[]): Problem {
  const words = why.map(({ what, pinned, wanted }) => `${what} was ${pinned ?? 'not said'} and is ${wanted ?? 'not said'} now`);
  return {
    severity: 'error',
    code: 'lock-outdated',
    summary: `What llmops.lock pins for ${name} is not what is declared any more: ${words.join('; ')}.`,
    fix: 'Run: llmops lock',
  };
}
