import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../domain/observed.ts';
import type { Parts } from './parts.ts';

/** What says, to every stack of this user, who took a process over: it carries no mark that they could read. */
interface Claim extends ProcessIdentity {
  readonly stackId: string;
  readonly stack: string;
}

type Claiming = Pick<Parts, 'context' | 'stackId'>;

function folderOf({ context }: Claiming): string {
  return join(context.cacheDir, 'taken-over');
}

function fileOf(process: ProcessIdentity, parts: Claiming): string {
  return join(folderOf(parts), `${createHash('sha256').update(`${process.pid} ${process.started}`).digest('hex').slice(0, 24)}.json`);
}

/** Claims a process, for good. False: another stack was there before. */
export function claimProcess(process: ProcessIdentity, parts: Claiming): boolean {
  if (claimant(process, parts) !== null) return false;
  const claim: Claim = { pid: process.pid, started: process.started, stackId: parts.stackId, stack: parts.context.stack };
  mkdirSync(folderOf(parts), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(fileOf(process, parts), `${JSON.stringify(claim)}\n`, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return claimant(process, parts) === null; // ours from before, or one of a stack that let it go
  }
}

/** Name of the other stack that took a process over; null: none did. */
export function claimant(process: ProcessIdentity, parts: Claiming): string | null {
  try {
    const claim = JSON.parse(readFileSync(fileOf(process, parts), 'utf8')) as Partial<Claim>;
    const isIts = claim.pid === process.pid && claim.started === process.started;
    return isIts && claim.stackId !== parts.stackId ? String(claim.stack) : null;
  } catch {
    return null;
  }
}

/** Forgets a process that has ended, and others that have. */
export function forgetEnded(isAlive: (process: ProcessIdentity) => boolean, parts: Claiming): void {
  for (const name of namesIn(folderOf(parts))) {
    const path = join(folderOf(parts), name);
    try {
      const claim = JSON.parse(readFileSync(path, 'utf8')) as Claim;
      if (!isAlive(claim)) rmSync(path, { force: true });
    } catch {
      // torn, or gone by now
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // nothing was ever taken over
  }
}
