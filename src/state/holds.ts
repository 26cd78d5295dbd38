import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from '../domain/desired.ts';
import { diskError } from '../domain/disk-problem.ts';
import { NO_HOLDS, type Approval, type Holds } from '../domain/holds.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import { realDisk, type Disk } from './disk.ts';
import { isObject, jsonText, readJson, setAside, writeDurably } from './durable.ts';
import { tryKernelLock, type KernelLock } from './kernel-lock.ts';

const fileOf = (dir: string): string => join(dir, 'holds.json');
/** Another writer is through within a few flushes of a disk. Milliseconds. */
const WAIT_MS = 10_000;
const RETRY_MS = 20;

/** What holds the loop of a stack, and a warning if that was damaged. A damaged file holds nothing. Throws if it is of a newer llmops. */
export async function readHolds(dir: string, disk: Disk = realDisk): Promise<{ readonly holds: Holds; readonly problem: Problem | null }> {
  const { value, problem } = await readJson(disk, fileOf(dir), shape, NO_HOLDS);
  return { holds: value, problem };
}

/** How it is changed. */
export interface HoldsWriting {
  /** True: a damaged file is set aside, and nothing is held but by this change. A person says so; else a release that was rolled back would come back. */
  readonly anew?: boolean;
  readonly disk?: Disk;
}

/**
 * Changes what holds the loop; durable when it resolves. It has a lock of its own, as it must be possible while an apply holds
 * the lease. Throws a ProblemError, also if the file is damaged.
 */
export async function changeHolds(
  dir: string,
  change: (holds: Holds) => Holds,
  { anew = false, disk = realDisk }: HoldsWriting = {},
): Promise<Holds> {
  await disk.makeFolder(dir);
  const lock = await takeLock(join(dir, 'holds.db'));
  try {
    const { holds, problem } = await readHolds(dir, disk);
    if (problem !== null && !anew) throw new ProblemError({ ...problem, severity: 'error', fix: BEGIN_ANEW });
    if (problem !== null) await setAside(disk, fileOf(dir));
    const next = change(holds);
    if (next !== holds) await writeDurably(disk, fileOf(dir), jsonText(next));
    return next;
  } finally {
    lock.release();
  }
}

/** What to do where the file is damaged. */
export const BEGIN_ANEW = 'What runs is looked after, and nothing new is applied. To begin anew, with nothing held: llmops resume';

async function takeLock(path: string): Promise<KernelLock> {
  for (const until = performance.now() + WAIT_MS; performance.now() < until; await pause(RETRY_MS)) {
    const lock = await tryKernelLock(path).catch((error: unknown) => {
      throw diskError(path, error);
    });
    if (lock !== null) return lock;
  }
  throw new ProblemError({
    code: 'holds-busy',
    summary: `Another llmops process writes ${path} and does not come to an end. Nothing was changed.`,
    fix: 'See which: llmops status. Then try again.',
  });
}

function shape(value: Json): Holds | null {
  if (!isObject(value)) return null;
  const holds = { ...NO_HOLDS, ...(value as unknown as Holds) };
  const isSound =
    isObject(holds.suspended as unknown as Json) &&
    Array.isArray(holds.quarantined) &&
    Array.isArray(holds.approved) &&
    holds.approved.every((one) => Array.isArray((one as Partial<Approval>).covers ?? [])) &&
    (holds.pin === null || typeof holds.pin.generation === 'number') &&
    (holds.mandate === undefined || isMandate(holds.mandate as unknown as Json)) &&
    (holds.bake === null || (isObject(holds.bake.models as unknown as Json) && typeof holds.bake.ms === 'number'));
  // Approvals of earlier versions named no changes: they let nothing through.
  return isSound
    ? { ...holds, approved: holds.approved.map((one) => ({ ...one, covers: (one as Partial<Approval>).covers ?? [] })) }
    : null;
}

function isMandate(value: Json): boolean {
  return isObject(value) && isObject(value['policy']) && Array.isArray(value['policy']['windows']) && Array.isArray(value['notify']);
}
