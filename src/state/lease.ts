import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Lease } from '../domain/ledger.ts';
import { ProblemError } from '../domain/problem.ts';
import { diskError } from '../domain/disk-problem.ts';
import { realDisk } from './disk.ts';
import { clearHolder, describeHolder, isAlive, readHolder, thisHolder, writeHolder, type Holder } from './holder.ts';
import { parseJournal } from './journal.ts';
import { tryKernelLock, type KernelLock } from './kernel-lock.ts';

export interface LeaseOptions {
  /** As typed, for the one who finds it taken: `llmops apply`. */
  readonly command: string;
  /** How long to wait for another holder, in milliseconds; 0: not at all. */
  readonly waitMs: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** How often a waiter tries again, and a loser looks for the winner's name, in milliseconds. */
const RETRY_MS = 50;
/** How long a loser looks for a name: between a winner's lock and its name lie a few system calls. */
const NAME_MS = 500;
/** How often the lock is tried again because its named holder is dead, before giving up on a name. */
const GONE_TIMES = 3;

/**
 * Takes the right to change this stack. It is a lock of the kernel on `lease.db`, so a holder that died, however it died,
 * never blocks, and one that is merely stopped (SIGSTOP) still holds. Throws a {@link LeaseHeldError} that names the
 * holder. The folder must be on a local disk: network file systems may not lock.
 */
export async function acquireLease(dir: string, options: LeaseOptions): Promise<Lease> {
  await realDisk.makeFolder(dir);
  const deadline = performance.now() + options.waitMs;
  for (let gone = 0; ;) {
    const lock = await takeLock(join(dir, 'lease.db'));
    if (lock) return await hold(dir, lock, options.command);
    if (performance.now() >= deadline) {
      const holder = await nameOf(dir);
      if (holder !== 'gone') throw new LeaseHeldError(dir, holder);
      gone += 1;
      if (gone > GONE_TIMES) throw new LeaseHeldError(dir, null);
    }
    options.signal?.throwIfAborted();
    await pause(RETRY_MS);
  }
}

async function takeLock(path: string): Promise<KernelLock | null> {
  return await tryKernelLock(path).catch((error: unknown) => {
    throw diskError(path, error);
  });
}

async function hold(dir: string, lock: KernelLock, command: string): Promise<Lease> {
  try {
    const token = (await lastToken(dir)) + 1;
    writeHolder(dir, thisHolder(command, token));
    return leaseOf(dir, lock, token);
  } catch (error) {
    lock.release();
    throw diskError(join(dir, 'holder.json'), error);
  }
}

/** From both places that know it, so that losing one does not let a token come twice. */
async function lastToken(dir: string): Promise<number> {
  const journal = await realDisk.read(join(dir, 'journal.ndjson'));
  const records = journal ? parseJournal(journal).records : [];
  return records.reduce((last, record) => Math.max(last, record.token), readHolder(dir)?.token ?? 0);
}

function leaseOf(dir: string, lock: KernelLock, token: number): Lease {
  const path = join(dir, 'lease.db');
  const inode = statSync(path).ino;
  let open = true;
  return {
    token,
    verify: () => {
      const same = open && readHolder(dir)?.token === token && statSync(path, { throwIfNoEntry: false })?.ino === inode;
      if (!same) throw lost(dir);
    },
    release: () => {
      if (!open) return;
      open = false;
      clearHolder(dir, token);
      lock.release();
    },
  };
}

/** `gone`: the named one ended in the meantime, so the lock is worth another try. null: it holds, and did not say its name yet. */
async function nameOf(dir: string): Promise<Holder | null | 'gone'> {
  const until = performance.now() + NAME_MS;
  let seen: Holder | null = null;
  for (; performance.now() < until; await pause(RETRY_MS / 5)) {
    seen = readHolder(dir);
    if (seen && isAlive(seen)) return seen;
  }
  return seen && seen.pid !== 0 ? 'gone' : null;
}

/** The ProblemError `lease-held`. */
export class LeaseHeldError extends ProblemError {
  /** Who holds it, in words. */
  readonly holder: string;
  constructor(dir: string, holder: Holder | null) {
    const who = holder ? describeHolder(holder) : 'another llmops process';
    super({
      code: 'lease-held',
      summary: `This stack is being changed by ${who}. Nothing was changed by this command.`,
      fix: `Wait for it with --lock-timeout 30s, or end it first. State folder: ${dir}`,
    });
    this.holder = who;
  }
}

function lost(dir: string): ProblemError {
  return new ProblemError({
    code: 'lease-lost',
    summary: `This process no longer holds the lease on ${dir}: the folder was removed, or another llmops took it over. No further step was begun.`,
    fix: 'See `llmops status`, then run the command again.',
  });
}
