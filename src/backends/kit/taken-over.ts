import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { DriverContext } from '../../domain/backend.ts';
import { diskError, isWearyDisk } from '../../domain/disk-problem.ts';
import type { ProcessIdentity } from '../../domain/observed.ts';
import { stackIdOf } from './marker.ts';
import type { Parts } from './parts.ts';
import { isRecord, openRecords, type InstanceRecord } from './records.ts';

/**
 * What says, to every stack of this user, who took a process over: it carries no mark that they could read. It stands as long as the
 * state of that stack knows the process; to that stack itself it gives the record back, should its state be lost.
 */
interface Claim {
  readonly stackId: string;
  readonly stack: string;
  readonly stateDir: string;
  readonly record: InstanceRecord;
  /** Whoever is about to write the record, and counts until then. Absent: it is written. */
  readonly by?: ProcessIdentity;
}

type Claiming = Pick<Parts, 'context' | 'stackId'>;
type Living = readonly ProcessIdentity[];

/** Folder of all stacks' states. Those with `--state-dir` elsewhere leave their claims there as well. */
function homeOf({ stateHome, stateDir }: DriverContext): string {
  return stateHome ?? dirname(stateDir);
}

/** No name of a stack begins with a dot. */
function folderOf(context: DriverContext): string {
  return join(homeOf(context), '.taken-over');
}

function fileOf({ pid, started }: ProcessIdentity, context: DriverContext): string {
  return join(folderOf(context), `${createHash('sha256').update(`${pid} ${started}`).digest('hex').slice(0, 24)}.json`);
}

/**
 * Claims a process before its record is written; `living` are all processes, and this one among them. False: another stack has it. A
 * disk that takes no more bytes takes no record either, and that is where it is told.
 */
export function claimProcess(record: InstanceRecord, living: Living, parts: Claiming): boolean {
  const path = fileOf(record.process, parts.context);
  const by = living.find(({ pid }) => pid === process.pid);
  const mine = claimOf(record, parts, by && { pid: by.pid, started: by.started });
  for (let round = 0; round < 3; round += 1) {
    const before = readClaim(path);
    if (ownerOf(record.process, living, parts) !== null) return false;
    if (write(path, mine, 'wx') !== 'exists') return true;
    moveAway(path, before); // ours from before, void, or torn
  }
  return false;
}

/** Takes a claim away that was judged, and no other: somebody else may have claimed in between. */
function moveAway(path: string, judged: Claim | null): void {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch {
    return; // somebody else was faster
  }
  if (JSON.stringify(readClaim(aside)) === JSON.stringify(judged)) rmSync(aside, { force: true });
  else renameSync(aside, path);
}

/** Its record is written: from now on that is what the claim rests on. Also for one whose claim was lost. */
export function settleClaim(record: InstanceRecord, parts: Claiming): void {
  const path = fileOf(record.process, parts.context);
  const draft = `${path}.${process.pid}.tmp`;
  if (write(draft, claimOf(record, parts), 'w') === 'done') renameSync(draft, path);
  else rmSync(draft, { force: true });
}

/** Lets a process go: nothing of it is on record. */
export function dropClaim(process: ProcessIdentity, { context, stackId }: Claiming): void {
  const path = fileOf(process, context);
  if (readClaim(path)?.stackId === stackId) rmSync(path, { force: true });
}

function claimOf(record: InstanceRecord, { context, stackId }: Claiming, by?: ProcessIdentity): Claim {
  const { stack, stateDir } = context;
  return { stackId, stack, stateDir, record, ...(by === undefined ? {} : { by }) };
}

function write(path: string, claim: Claim, flag: 'w' | 'wx'): 'done' | 'exists' | 'full' {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, `${JSON.stringify(claim)}\n`, { mode: 0o600, flag });
    return 'done';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
    if (isWearyDisk(error)) return 'full';
    throw diskError(path, error);
  }
}

/** Name of the other stack that has a process; null: none. Its own record counts as much as its claim, which may be lost. */
export function ownerOf(process: ProcessIdentity, living: Living, parts: Claiming): string | null {
  const claim = claimOn(process, parts);
  if (claim !== null && stands(claim, living)) return claim.stack;
  const home = homeOf(parts.context);
  const others = namesIn(home).map((name) => join(home, name));
  for (const stateDir of others) {
    const record = openRecords(stateDir)
      .list()
      .find((each) => isOf(each, process));
    if (record !== undefined && stackIdOf(stateDir) !== parts.stackId) return record.spec.stack;
  }
  return null;
}

/** Name of another stack that took a process over and does not know it any more; null: none. */
export function formerOwnerOf(process: ProcessIdentity, living: Living, parts: Claiming): string | null {
  const claim = claimOn(process, parts);
  return claim !== null && !stands(claim, living) ? claim.stack : null;
}

function claimOn(process: ProcessIdentity, { context, stackId }: Claiming): Claim | null {
  const claim = readClaim(fileOf(process, context));
  return claim !== null && isOf(claim.record, process) && claim.stackId !== stackId ? claim : null;
}

function stands({ by, stateDir, record }: Claim, living: Living): boolean {
  if (by !== undefined && living.some(({ pid, started }) => pid === by.pid && started === by.started)) return true;
  try {
    readdirSync(join(stateDir, 'instances'));
  } catch (error) {
    // A state that may not be looked at is not one that is gone.
    return !['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
  return openRecords(stateDir)
    .list()
    .some((each) => isOf(each, record.process));
}

function isOf({ process: its, adopted }: InstanceRecord, { pid, started }: ProcessIdentity): boolean {
  return adopted !== undefined && its.pid === pid && its.started === started;
}

/** What this stack took over, as its claims say it: also what its state has lost. */
export function claimedRecords(stackId: string, context: DriverContext): readonly InstanceRecord[] {
  const claims = namesIn(folderOf(context)).map((name) => readClaim(join(folderOf(context), name)));
  return claims.flatMap((claim) => (claim?.stackId === stackId && claim.by === undefined ? [claim.record] : []));
}

/**
 * Keeps record and claim of what this stack took over and still runs beside each other, whichever of them was lost, and forgets claims of
 * processes that have ended.
 */
export function tendClaims(living: Living, parts: Claiming & Pick<Parts, 'records'>): void {
  const isAlive = ({ process: { pid, started } }: InstanceRecord) => living.some((each) => each.pid === pid && each.started === started);
  for (const record of parts.records.adopted().filter(isAlive)) {
    if (ownerOf(record.process, living, parts) !== null) continue;
    if (parts.records.get(record.spec.id) === null) parts.records.put(record);
    if (readClaim(fileOf(record.process, parts.context))?.stackId !== parts.stackId) settleClaim(record, parts);
  }
  for (const path of namesIn(folderOf(parts.context)).map((name) => join(folderOf(parts.context), name))) {
    const claim = readClaim(path);
    if (claim !== null && !isAlive(claim.record)) rmSync(path, { force: true });
  }
}

/** null: there is none, or a torn one. */
function readClaim(path: string): Claim | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Claim> | null;
    const texts = [value?.stackId, value?.stack, value?.stateDir];
    return texts.every((text) => typeof text === 'string') && isRecord(value?.record ?? {}) ? (value as Claim) : null;
  } catch {
    return null;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // nothing was ever taken over
  }
}
