import type { ProcessIdentity } from '../../domain/observed.ts';
import { ProblemError } from '../../domain/problem.ts';
import { callersGroups } from './callers.ts';
import { findOne, type Finder, type Found, type Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';

/** How long the kernel may take to clear a killed process away: a GPU driver can hold it for seconds. */
const CLEAR_MS = 15_000;
const EVERY_MS = 20;

/** What it takes to end processes of one stack and backend. */
export type Ender = Finder & Pick<Parts, 'clock' | 'graceMs'>;

/**
 * Ends an instance with everything it started: SIGTERM to the group, SIGKILL after the grace, until every process of it is
 * gone with its memory and ports. Each one is verified by pid, start time and mark right before each signal, and waited for
 * by pid and start time alone: a dying process loses its mark first.
 */
export async function terminate(found: Found, parts: Ender): Promise<void> {
  await signalAll(found.members, 'SIGTERM', parts);
  if (await goneWithin(found, parts, parts.graceMs, found.leader !== null)) return;
  const until = parts.clock.now() + CLEAR_MS;
  let members = found.members;
  while (parts.clock.now() < until) {
    const marked = (await findOne(found.marker.id, parts))?.members ?? [];
    await signalAll(marked, 'SIGKILL', parts);
    members = [...members, ...marked.filter((entry) => !members.some((known) => isSameProcess(known, entry)))];
    if (await goneWithin({ ...found, members }, parts, 500, false)) return;
  }
  throw survives(found.marker.model, members);
}

/** True once no member is left. With `leaderOnly`, others lose their grace as soon as the leader is gone. */
async function goneWithin(found: Found, parts: Ender, ms: number, leaderOnly: boolean): Promise<boolean> {
  const until = parts.clock.now() + ms;
  for (;;) {
    const now = await Promise.all(found.members.map(({ pid }) => parts.table.get(pid)));
    const living = found.members.map((member, index) => isSameProcess(member, now[index] ?? null));
    if (!living.some(Boolean)) return (await findOne(found.marker.id, parts)) === null;
    const leads = found.members.findIndex((member) => member === found.leader);
    if ((leaderOnly && !living[leads]) || parts.clock.now() >= until) return false;
    await parts.clock.sleep(EVERY_MS);
  }
}

/**
 * Waits while a process is on its way out, so that what comes next finds its memory and port free. Returns at once if it is
 * gone or alive. Throws `process-survives` if the kernel does not let go of it.
 */
export async function awaitEnding(model: string, process: ProcessIdentity, parts: Pick<Parts, 'table' | 'clock'>): Promise<void> {
  const until = parts.clock.now() + CLEAR_MS;
  for (;;) {
    const entry = await parts.table.get(process.pid);
    if (entry === null || !isSameProcess(process, entry) || !isEnding(entry)) return;
    if (parts.clock.now() >= until) throw survives(model, [process]);
    await parts.clock.sleep(EVERY_MS);
  }
}

/** The kernel takes a dying process's arguments and variables at once, its memory and ports after that, its entry last. */
function isEnding(entry: ProcessEntry): boolean {
  return entry.args.length === 0 && Object.keys(entry.env()).length === 0;
}

function survives(model: string, members: readonly ProcessIdentity[]): ProblemError {
  return new ProblemError({
    code: 'process-survives',
    summary: `The process of ${model} (pid ${members.map((member) => member.pid).join(', ')}) is still there ${CLEAR_MS / 1000} s after SIGKILL.`,
    fix: 'A driver may hold it. See `ps -o stat,wchan -p PID`; when it is gone, run the command again.',
  });
}

/** Signals those members that are still the same processes, and children that dropped the mark by their group, unless we stand in it. */
export async function signalAll(members: readonly ProcessEntry[], signal: 'SIGTERM' | 'SIGKILL', parts: Finder): Promise<void> {
  const own = await callersGroups(parts.table);
  for (const member of members) {
    const now = await parts.table.get(member.pid);
    if (!isSameProcess(member, now) || now?.marker !== member.marker) continue;
    send(!own.has(member.group) && (await isOwnGroup(member, parts)) ? -member.group : member.pid, signal);
  }
}

/**
 * True if a member's whole group is this instance's: its leader carries the mark, or has ended. What was taken over has no mark, and
 * may lead or share a group with what somebody else started beside it: it is ended alone. While a group lives, its
 * number is given to no other process (fork(2): a new ID matches no existing group), so an ended leader has no successor.
 */
async function isOwnGroup({ pid, group, marker }: ProcessEntry, { table }: Finder): Promise<boolean> {
  if (marker === null) return false;
  if (pid === group) return true;
  const leader = await table.get(group);
  return leader === null || leader.marker === marker;
}

/** True if it is the very same process, whether it still carries its mark or not. */
function isSameProcess(was: ProcessIdentity, now: ProcessIdentity | null): boolean {
  return now !== null && now.pid === was.pid && now.started === was.started;
}

function send(target: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
