import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { diskError } from '../domain/disk-problem.ts';
import { ProblemError } from '../domain/problem.ts';
import type { Supervision } from '../domain/status.ts';
import { realDisk } from './disk.ts';
import { tryKernelLock, type KernelLock } from './kernel-lock.ts';
import { currentSupervisor } from './supervisor.ts';

/** The place of the one daemon of a stack. */
export interface DaemonLock extends KernelLock {
  /** False: the state folder was removed, and another one may be in the same place with another daemon. */
  isHeld(): boolean;
}

function sameFile(path: string): () => boolean {
  const inode = statSync(path).ino;
  return () => {
    try {
      return statSync(path).ino === inode;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ENOENT'; // a disk that cannot be read now was not taken away
    }
  };
}

/** How a guard calls itself: it makes place for a daemon that comes back. */
export const GUARD = 'llmops up --guard';
/** Somebody who only looks whether the place is taken is through within moments. Milliseconds. */
const LOOKS_MS = 1000;
/** A guard brings what it has begun to a safe end. Milliseconds. */
const LEAVES_MS = 60_000;
const RETRY_MS = 50;

/**
 * Takes the place of the one daemon of a stack; the kernel frees it when the process ends, however it ends. A guard in that place
 * is told to leave it. Throws a ProblemError `daemon-runs` if somebody has it, or stays with the stack in another way (`apply --supervise`).
 */
export async function takeDaemonLock(dir: string): Promise<DaemonLock> {
  await realDisk.makeFolder(dir);
  const path = join(dir, 'daemon.db');
  let told = false;
  for (const begun = performance.now(); ; await pause(RETRY_MS)) {
    const lock = await tryKernelLock(path).catch((error: unknown) => {
      throw diskError(path, error);
    });
    const other = currentSupervisor(dir);
    if (lock !== null && other === null) return { ...lock, isHeld: sameFile(path) };
    lock?.release();
    const isGuard = other?.command === GUARD;
    if (isGuard && !told) told = endProcess(other.pid);
    if (performance.now() - begun > (isGuard ? LEAVES_MS : LOOKS_MS)) throw alreadyRuns(other);
  }
}

function endProcess(pid: number): true {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // it has left by itself
  }
  return true;
}

function alreadyRuns(other: Supervision | null): ProblemError {
  return new ProblemError({
    code: 'daemon-runs',
    summary: `This stack is looked after already${other === null ? '' : ` by pid ${other.pid} (${other.who}, since ${other.since})`}.`,
    fix: 'See what it does: llmops status. Only one can look after a stack; end that one first.',
  });
}

/** True if the one daemon of a stack lives. */
export async function isDaemonAlive(dir: string): Promise<boolean> {
  const lock = await tryKernelLock(join(dir, 'daemon.db')).catch(() => null);
  lock?.release();
  return lock === null;
}

/** The place of the one guard of a stack; null: it is taken. */
export async function tryGuardLock(dir: string): Promise<KernelLock | null> {
  return tryKernelLock(join(dir, 'guard.db')).catch(() => null);
}
