import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diskError, isWearyDisk } from '../../domain/disk-problem.ts';
import type { ProcessTable } from './process-table.ts';

/**
 * The right to start one instance, held by at most one process. A file that names its holder; a holder that died blocks
 * nobody. Two that find the same dead holder in the same instant are told apart by the file they moved away. Where the disk
 * takes no more bytes it is given to whoever asks: of two copies the younger one goes by itself, and none would be worse.
 * Throws a ProblemError if the folder cannot be written for another reason.
 */
export async function tryClaim(folder: string, id: string, table: ProcessTable): Promise<(() => void) | null> {
  const path = join(folder, `${encodeURIComponent(id)}.claim`);
  try {
    return await claimFile(path, table);
  } catch (error) {
    if (isWearyDisk(error)) return () => undefined;
    throw diskError(path, error);
  }
}

async function claimFile(path: string, table: ProcessTable): Promise<(() => void) | null> {
  const self = await table.get(process.pid);
  const mine = `${process.pid} ${self?.started ?? ''} ${crypto.randomUUID()}`;
  for (let round = 0; round < 3; round += 1) {
    if (create(path, mine)) return () => release(path, mine);
    const holder = readOr(path, null);
    if (holder !== null && (await isAlive(holder, table))) return null;
    if (holder !== null) moveAway(path, holder);
  }
  return null;
}

/** Removes claims of processes that have died: nobody may come to start that instance again. Those of living ones stay. */
export async function sweepClaims(folder: string, table: ProcessTable): Promise<void> {
  for (const name of namesIn(folder)) {
    if (!name.includes('.claim')) continue;
    const path = join(folder, name);
    const holder = readOr(path, null);
    if (holder !== null && holder !== '' && !(await isAlive(holder, table))) moveAway(path, holder);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // nothing was started yet
  }
}

/** Links a finished file into place: a claim is never seen half written. */
function create(path: string, text: string): boolean {
  const draft = `${path}.${crypto.randomUUID()}`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function release(path: string, mine: string): void {
  if (readOr(path, null) === mine) rmSync(path, { force: true });
}

async function isAlive(holder: string, table: ProcessTable): Promise<boolean> {
  const [pid, started] = holder.split(' ');
  const entry = await table.get(Number(pid));
  return entry !== null && entry.started === started;
}

function moveAway(path: string, holder: string): void {
  const aside = `${path}.${process.pid}.${crypto.randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    return; // somebody else was faster
  }
  // Not the dead one's: a living process claimed in between. Give it back; the check after the start covers the rest.
  if (readOr(aside, holder) !== holder) renameSync(aside, path);
  else rmSync(aside, { force: true });
}

function readOr<T>(path: string, otherwise: T): string | T {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
