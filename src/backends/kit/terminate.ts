import { ProblemError } from '../../domain/problem.ts';
import type { Found, Parts } from './parts.ts';
import { findOne } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';

/** How long the kernel may take to clear a killed process away: a GPU driver can hold it for seconds. */
const CLEAR_MS = 15_000;
const EVERY_MS = 20;

/**
 * Ends an instance with everything it started: SIGTERM to the group, SIGKILL after the grace, until no process carries
 * its mark. Each process is verified by pid, start time and mark right before each signal.
 */
export async function terminate(found: Found, parts: Parts): Promise<void> {
  await signalAll(found.members, 'SIGTERM', parts);
  if (await goneWithin(found, parts, parts.graceMs, found.leader !== null)) return;
  const until = parts.clock.now() + CLEAR_MS;
  while (parts.clock.now() < until) {
    const rest = await findOne(found.marker.id, parts);
    if (!rest) return;
    await signalAll(rest.members, 'SIGKILL', parts);
    if (await goneWithin(rest, parts, 500, false)) return;
  }
  throw new ProblemError({
    code: 'process-survives',
    summary: `The process of ${found.marker.model} (pid ${found.members.map((member) => member.pid).join(', ')}) is still there ${CLEAR_MS / 1000} s after SIGKILL.`,
    fix: 'A driver may hold it. See `ps -o stat,wchan -p PID`; when it is gone, run the command again.',
  });
}

/** True once no member is left. With `leaderOnly`, others lose their grace as soon as the leader is gone. */
async function goneWithin(found: Found, parts: Parts, ms: number, leaderOnly: boolean): Promise<boolean> {
  const until = parts.clock.now() + ms;
  for (;;) {
    const living = await Promise.all(found.members.map((member) => isSame(member, parts)));
    if (!living.some(Boolean)) return (await findOne(found.marker.id, parts)) === null;
    const leads = found.members.findIndex((member) => member === found.leader);
    if ((leaderOnly && !living[leads]) || parts.clock.now() >= until) return false;
    await parts.clock.sleep(EVERY_MS);
  }
}

/** Signals those members that are still the same processes, and children that dropped the mark by their group. */
export async function signalAll(members: readonly ProcessEntry[], signal: 'SIGTERM' | 'SIGKILL', parts: Parts): Promise<void> {
  for (const member of members) {
    if (!(await isSame(member, parts))) continue;
    send((await isOwnGroup(member, parts)) ? -member.group : member.pid, signal);
  }
}

/**
 * True if a member's whole group is this instance's: its leader carries the mark, or has ended. While a group lives, its
 * number is given to no other process (fork(2): a new ID matches no existing group), so an ended leader has no successor.
 */
async function isOwnGroup({ pid, group, marker }: ProcessEntry, { table }: Parts): Promise<boolean> {
  if (pid === group) return true;
  const leader = await table.get(group);
  return leader === null || leader.marker === marker;
}

/** True if the very same process still runs and carries the same mark. */
export async function isSame(entry: ProcessEntry, parts: Pick<Parts, 'table'>): Promise<boolean> {
  const now = await parts.table.get(entry.pid);
  return now !== null && now.started === entry.started && now.marker === entry.marker;
}

function send(target: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
