import { randomFillSync } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isFull } from '../domain/disk-problem.ts';
import type { Plan } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';
import type { Disk } from './disk.ts';
import { TEMPORARY } from './durable.ts';

/**
 * Room on the disk that is taken before it is needed: a file of bytes that stand for nothing. A run that finds the disk full
 * frees it, so that what it has begun can still be written down, what it took down can be put back, and `down` works. Its
 * size is in its name. Nothing keeps others from taking what was freed; that there is some is all that can be promised.
 */
const RESERVE = /^reserve-(\d+)$/;

/** What a run of no steps may write: journal, two small documents, an entry in the history. */
const BASE_BYTES = 256 << 10;
/** Journal, history and records of one step, twice, because a document is replaced by writing a new one beside it. */
const STEP_BYTES = 8 << 10;
/** Most runs of a stack ask for the same number of these, so that the file is seldom written anew. */
const UNIT_BYTES = 256 << 10;
/** Less is not worth keeping. */
const LEAST_BYTES = 64 << 10;

/** How much room the writes of a run may take, in bytes. */
export function reserveFor(plan: Plan, models: number, textBytes: number): number {
  const bytes = BASE_BYTES + (plan.steps.length + models) * STEP_BYTES + 4 * textBytes;
  return Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES;
}

/** Takes the room, or, where that is not there, half of it, and so on. Returns how many bytes are kept now; 0: none. */
export async function keepReserve(disk: Disk, dir: string, bytes: number): Promise<number> {
  const kept = Math.max(0, ...(await sizesIn(disk, dir)));
  if (kept >= bytes) return kept;
  for (let size = bytes; size >= LEAST_BYTES && size > kept; size = Math.floor(size / 2)) {
    if (await takeRoom(disk, dir, size)) return size;
  }
  return kept;
}

async function takeRoom(disk: Disk, dir: string, bytes: number): Promise<boolean> {
  const path = join(dir, `reserve-${bytes}`);
  const draft = `${path}${TEMPORARY}`;
  try {
    // Bytes that no file system can store in less room than they take.
    await disk.write(draft, randomFillSync(Buffer.alloc(bytes)));
    for (const size of await sizesIn(disk, dir)) await disk.remove(join(dir, `reserve-${size}`));
    await disk.rename(draft, path);
    return true;
  } catch {
    await disk.remove(draft).catch(() => undefined); // whoever writes next tells what is wrong with the disk
    return false;
  }
}

async function sizesIn(disk: Disk, dir: string): Promise<readonly number[]> {
  return (await disk.list(dir).catch(() => [])).flatMap((name) => Number(RESERVE.exec(name)?.[1] ?? []));
}

/**
 * The same disk, but a write that finds it full frees the reserve and is tried once more. An append may have left half of
 * its bytes, so trying it again is left to who knows where it began.
 */
export function withReserve(disk: Disk, dir: string): Disk {
  const free = async (error: unknown): Promise<boolean> => {
    const sizes = isFull(error) ? await sizesIn(disk, dir) : [];
    for (const size of sizes) await disk.remove(join(dir, `reserve-${size}`));
    return sizes.length > 0;
  };
  const again = (write: () => Promise<void>): Promise<void> =>
    write().catch(async (error: unknown) => {
      if (!(await free(error))) throw error;
      await write();
    });
  return {
    ...disk,
    makeFolder: (path) => again(() => disk.makeFolder(path)),
    write: (path, bytes) => again(() => disk.write(path, bytes)),
    rename: (from, to) => again(() => disk.rename(from, to)),
    append: (path, bytes) =>
      disk.append(path, bytes).catch(async (error: unknown) => {
        await free(error);
        throw error;
      }),
  };
}

/** The same for a small write at once. */
export function orFreeReserve(dir: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const names = isFull(error) ? readdirSync(dir).filter((name) => RESERVE.test(name)) : [];
    if (names.length === 0) throw error;
    for (const name of names) rmSync(join(dir, name), { force: true });
    write();
  }
}

/** True if the plan ends a copy that serves before its successor is there: without room left it could not be put back. */
export function needsReserve({ steps }: Plan): boolean {
  const drained = new Set<string>();
  return steps.some(({ op, model }) => {
    if (op === 'drain') drained.add(model);
    return op === 'start' && drained.has(model);
  });
}

/** Refused before anything was begun. */
export function noRoom(dir: string, bytes: number): ProblemError {
  return new ProblemError({
    code: 'state-not-writable',
    summary: `There is no room in ${dir} for the ${bytes >> 10} KiB that are kept free so that a model that was taken down can be put back on a full disk. Nothing was changed.`,
    fix: 'Free some space, then run the command again.',
  });
}
