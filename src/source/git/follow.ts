import type { Rewritten } from '../types.ts';
import { ALL, FetchFailed, type Mirror } from './mirror.ts';

/** Where the branch is, and whether it came there other than by going on. */
export interface Followed {
  readonly head: string;
  readonly rewritten: Rewritten | null;
}

/** Generations to have when the question is first asked: nearly every push is shorter, so one fetch answers it. */
const NEAR = 50;
/** Then these. A merge of an old side branch in a big repository should not cost all of its history at once. */
const FAR = [1000, ALL] as const;

/** Follows one branch. */
export type Follow = (wanted: string, seen: string | null, signal: AbortSignal) => Promise<Followed>;

/**
 * Brings the mirror to the head that the remote has, `wanted` or newer, with as much history as tells whether it goes on from
 * `seen`. Throws FetchFailed, or what the file system throws.
 */
export function follower(mirror: Mirror): Follow {
  let last: Rewritten | null = null;
  return async (wanted, seen, signal) => {
    let head = await broughtTo(mirror, wanted, seen === null || seen === wanted ? 1 : NEAR, signal);
    if (seen === null || seen === head) return { head, rewritten: null };
    // Asked again while the same answer is held against it: the remote need not tell all of its history each time.
    if (last?.from === seen && last.to === head) return { head, rewritten: last };
    for (const depth of FAR) {
      if (await goesOn(mirror, seen, head, signal)) return { head, rewritten: null };
      if (!mirror.isShallow()) break;
      const next = await deeper(mirror, depth, signal);
      if (next === null) break;
      head = next;
    }
    if (await goesOn(mirror, seen, head, signal)) return { head, rewritten: null };
    last = { from: seen, to: head };
    return { head, rewritten: last };
  };
}

async function broughtTo(mirror: Mirror, wanted: string, depth: number, signal: AbortSignal): Promise<string> {
  const held = await mirror.head(signal);
  if (held === wanted) return held;
  try {
    if (held !== null) return await mirror.fetch(depth, signal);
  } catch (error) {
    // A mirror that a crash left half written takes no more; whether it is that or the remote, a new one tells.
    if (!(error instanceof FetchFailed) || error.isLate) throw error;
  }
  return mirror.renew(depth, wanted.length, signal);
}

/** False also where one of the two is not there, or what lies between. */
async function goesOn(mirror: Mirror, from: string, to: string, signal: AbortSignal): Promise<boolean> {
  return (await mirror.ask(['merge-base', '--is-ancestor', from, to], signal)).code === 0;
}

/** Null: history is too long to be brought in time, so that what is known has to do. */
async function deeper(mirror: Mirror, depth: number, signal: AbortSignal): Promise<string | null> {
  try {
    return await mirror.fetch(depth, signal);
  } catch (error) {
    if (error instanceof FetchFailed && error.isLate) return null;
    throw error;
  }
}
