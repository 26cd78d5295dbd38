import type { BackendSpec } from '../domain/desired.ts';
import type { Generation } from '../domain/generation.ts';
import type { Attached } from '../domain/kept.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { Inventory } from '../domain/observed.ts';
import type { Problem } from '../domain/problem.ts';
import { realDisk, type Disk } from './disk.ts';
import { readJson } from './durable.ts';
import { EMPTY_ENDPOINTS, EMPTY_INVENTORY, endpointsShape, inventoryShape, stateFiles, type InventoryFile } from './files.ts';
import { readGenerationFile, readGenerations } from './generations.ts';
import { parseJournal, pendingSteps } from './journal.ts';
import { isKept, keep, pruneKept } from './kept.ts';
import { beginRun } from './run.ts';
import { describeHolder, isAlive, readHolder } from './holder.ts';
import { isOwner, readOwner } from './owner.ts';
import { claim, keepClaim, nameOwner, ownership, refuseTaken } from './stack.ts';

export type { Disk } from './disk.ts';
export { realDisk } from './disk.ts';
export { currentSupervisor, noteSupervisor, type SupervisorNote } from './supervisor.ts';
export { GUARD, isDaemonAlive, takeDaemonLock, tryGuardLock } from './daemon-lock.ts';
export { openEventLog, readEvents } from './event-log.ts';
export { BEGIN_ANEW, changeHolds, readHolds, type HoldsWriting } from './holds.ts';
export { acquireLease, LeaseHeldError, type LeaseOptions } from './lease.ts';

/** What is stored about a stack. */
export interface StoredState {
  readonly inventory: Inventory;
  /** Backends that earlier runs used and on which instances of ours may still run, also when no longer declared. */
  readonly lastBackends: readonly BackendSpec[];
  /** Warnings: what was damaged and left out. */
  readonly problems: readonly Problem[];
}

/** The state of one stack, open for runs. */
export interface State extends Ledger {
  readonly dir: string;
  read(): Promise<StoredState>;
}

/**
 * Reads what is stored. Creates and changes nothing, so that looking leaves no trace; a folder that is not there is an
 * empty state. Throws a ProblemError if the state is of a newer llmops or cannot be read.
 */
export async function readState(dir: string, disk: Disk = realDisk): Promise<StoredState> {
  const [inventory, endpoints, journal] = await Promise.all([
    readJson(disk, stateFiles.inventory(dir), inventoryShape, EMPTY_INVENTORY),
    readJson(disk, stateFiles.endpoints(dir), endpointsShape, EMPTY_ENDPOINTS),
    disk.read(stateFiles.journal(dir)),
  ]);
  const tail = journal === null ? null : parseJournal(journal);
  const damaged = tail?.damaged ? [damagedJournal(stateFiles.journal(dir))] : [];
  return {
    inventory: {
      generation: inventory.value.generation,
      appliedAt: inventory.value.appliedAt,
      models: inventory.value.models,
      endpoints: endpoints.value.models,
      pending: tail === null ? [] : pendingSteps(tail.records),
      ...endedBy(inventory.value),
      ...(Object.keys(inventory.value.failures ?? {}).length === 0 ? {} : { failures: inventory.value.failures ?? {} }),
      ...(Object.keys(inventory.value.left ?? {}).length === 0 ? {} : { left: inventory.value.left ?? {} }),
    },
    lastBackends: inventory.value.backends,
    problems: [inventory.problem, endpoints.problem, ...damaged].filter((problem) => problem !== null),
  };
}

function endedBy({ mode, models }: InventoryFile): Pick<Inventory, 'endedBy'> {
  return (mode === 'down' || mode === 'destroy') && Object.keys(models).length === 0 ? { endedBy: mode } : {};
}

/** Opens a stack's state for changes; creates its folder (0700). Throws a ProblemError `state-not-writable`. */
export async function openState(dir: string, disk: Disk = realDisk): Promise<State> {
  await disk.makeFolder(dir);
  return {
    dir,
    read: () => readState(dir, disk),
    beginRun: (lease, header) => beginRun(disk, dir, lease, header),
  };
}

/** See {@link isKept}. */
export async function isFileKept(dir: string, sha256: string, disk: Disk = realDisk): Promise<boolean> {
  return isKept(disk, dir, sha256);
}

/** See {@link keep}. */
export async function keepFile(dir: string, sha256: string, bytes: Uint8Array, disk: Disk = realDisk): Promise<boolean> {
  return keep(disk, dir, sha256, bytes);
}

/** See {@link pruneKept}. */
export async function pruneKeptFiles(dir: string, more: Attached, disk: Disk = realDisk): Promise<void> {
  return pruneKept(disk, dir, more);
}

/** See {@link claim}. */
export async function claimStack(dir: string, file: string, disk: Disk = realDisk): Promise<Problem | null> {
  return claim(disk, dir, file);
}

/** See {@link keepClaim}. */
export async function keepStackClaim(dir: string, file: string, disk: Disk = realDisk): Promise<void> {
  return keepClaim(disk, dir, file);
}

/** See {@link refuseTaken}. */
export async function refuseTakenStack(dir: string, file: string, disk: Disk = realDisk): Promise<void> {
  return refuseTaken(disk, dir, file);
}

/** See {@link ownership}. */
export async function stackOwnership(dir: string, file: string, disk: Disk = realDisk): Promise<readonly Problem[]> {
  return ownership(disk, dir, file);
}

/** See {@link nameOwner}. */
export async function ownerOfName(dir: string, file: string, disk: Disk = realDisk): Promise<string | null> {
  return nameOwner(disk, dir, file);
}

/** True if this state belongs to that llmops.yaml, which need not exist any more. */
export async function belongsTo(dir: string, file: string, disk: Disk = realDisk): Promise<boolean> {
  const owner = await readOwner(disk, dir);
  return owner !== null && isOwner(owner, file);
}

/** Who is changing the stack now, in words; null: nobody. Looks at the holder's name only, and gets in nobody's way. */
export function currentHolder(dir: string): string | null {
  const holder = readHolder(dir);
  return holder && isAlive(holder) ? describeHolder(holder) : null;
}

/** The stored generations, newest first; empty if there are none. */
export async function listGenerations(dir: string, disk: Disk = realDisk): Promise<readonly Generation[]> {
  return readGenerations(disk, dir);
}

/** One generation; null if it is not stored. Throws a ProblemError if it is damaged. */
export async function readGeneration(dir: string, number: number, disk: Disk = realDisk): Promise<Generation | null> {
  return readGenerationFile(disk, dir, number);
}

function damagedJournal(path: string): Problem {
  return {
    severity: 'warning',
    code: 'state-damaged',
    summary: `${path} is damaged in the middle; what comes after that place was not used.`,
    fix: 'Nothing needs doing: the next apply sets the file aside and writes a new one.',
  };
}
