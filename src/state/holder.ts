import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { orFreeReserve } from './reserve.ts';

/** Who holds the lease, for people. The lock itself is elsewhere: this file grants nothing. */
export interface Holder {
  readonly pid: number;
  /** Start time of the process where the system tells it (Linux, in clock ticks since boot), so that a later process with the same pid is not blamed. */
  readonly started: string | null;
  readonly host: string;
  readonly user: string;
  /** As typed: `llmops apply`. */
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
  readonly token: number;
}

const fileOf = (dir: string): string => join(dir, 'holder.json');

/** This process, as the holder with this token. */
export function thisHolder(command: string, token: number): Holder {
  return {
    pid: process.pid,
    started: startOf(process.pid),
    host: hostname(),
    user: userName(),
    command,
    since: new Date().toISOString(),
    token,
  };
}

export function writeHolder(dir: string, holder: Holder): void {
  orFreeReserve(dir, () => writeFileSync(fileOf(dir), `${JSON.stringify(holder)}\n`, { mode: 0o600 }));
}

/** Who wrote the file last; null if nobody did or it is torn. */
export function readHolder(dir: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(fileOf(dir), 'utf8')) as Holder;
    return typeof holder.token === 'number' && typeof holder.pid === 'number' ? holder : null;
  } catch {
    return null;
  }
}

/** After a release: the name goes, the token stays, because it must grow for ever. */
export function clearHolder(dir: string, token: number): void {
  try {
    if (readHolder(dir)?.token === token) writeHolder(dir, { pid: 0, started: null, host: '', user: '', command: '', since: '', token });
  } catch {
    rmSync(fileOf(dir), { force: true });
  }
}

/** Who it is, for people. */
export function describeHolder({ pid, command, user, host, since }: Holder): string {
  return `pid ${pid} (${command}, ${user}@${host}, since ${since})`;
}

/** True if this holder's process may still run. On another host nobody can tell: true. */
export function isAlive(holder: Holder): boolean {
  if (holder.pid === 0) return false;
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startOf(holder.pid) === holder.started;
}

/** It has ended, and nobody has asked how: in a container without an init it stays so for ever. Unlike every start time. */
const ENDED = 'ended';

/** Field 22 of /proc/<pid>/stat, counted after the name in parentheses, which may hold spaces: proc(5). */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? ENDED : (rest[18] ?? null);
  } catch {
    return null;
  }
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
