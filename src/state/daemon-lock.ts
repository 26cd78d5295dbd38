import { join } from 'node:path';
import { diskError } from '../domain/disk-problem.ts';
import { ProblemError } from '../domain/problem.ts';
import { realDisk } from './disk.ts';
import { tryKernelLock, type KernelLock } from './kernel-lock.ts';
import { currentSupervisor } from './supervisor.ts';

/**
 * Takes the place of the one daemon of a stack; the kernel frees it when the process ends, however it ends. Throws a
 * ProblemError `daemon-runs` if somebody has it, or stays with the stack in another way (`apply --supervise`).
 */
export async function takeDaemonLock(dir: string): Promise<KernelLock> {
  await realDisk.makeFolder(dir);
  const path = join(dir, 'daemon.db');
  const lock = await tryKernelLock(path).catch((error: unknown) => {
    throw diskError(path, error);
  });
  const other = currentSupervisor(dir);
  if (lock !== null && other === null) return lock;
  lock?.release();
  throw new ProblemError({
    code: 'daemon-runs',
    summary: `This stack is looked after already${other === null ? '' : ` by pid ${other.pid} (${other.who}, since ${other.since})`}.`,
    fix: 'See what it does: llmops status. Only one can look after a stack; end that one first.',
  });
}
