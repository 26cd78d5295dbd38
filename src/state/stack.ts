import { basename, dirname, join } from 'node:path';
import { ProblemError, type Problem } from '../domain/problem.ts';
import type { Disk } from './disk.ts';
import { readJson } from './durable.ts';
import { EMPTY_ENDPOINTS, EMPTY_INVENTORY, endpointsShape, inventoryShape, stateFiles } from './files.ts';
import { isAlive, readHolder } from './holder.ts';
import { parseJournal, pendingSteps } from './journal.ts';
import { isOwner, isThere, nameOf, readOwner, writeOwner, type Owner } from './owner.ts';

/**
 * Binds this state to one llmops.yaml, so that two stacks of the same name do not delete each other's models. Called under
 * the lease. Throws a ProblemError `stack-name-taken` if another file that still exists owns it and something of that is on record;
 * a file that is gone (moved or deleted), or whose stack is down, is succeeded, and the returned problem says so.
 */
export async function claim(disk: Disk, dir: string, file: string): Promise<Problem | null> {
  const owner = await readOwner(disk, dir);
  const other = owner === null || isOwner(owner, file) ? null : owner;
  if (other !== null && isThere(other) && !(await isIdle(disk, dir))) throw taken(dir, file, other);
  await writeOwner(disk, dir, file, other === null ? owner : null);
  return other && moved(file, other);
}

/** Has the path by which a stack is kept known from the start, where the stack is this file's already: it may lead elsewhere before anything is applied. */
export async function keepClaim(disk: Disk, dir: string, file: string): Promise<void> {
  const owner = await readOwner(disk, dir);
  if (owner !== null && isOwner(owner, file)) await writeOwner(disk, dir, file, owner);
}

/** Refuses verbs that show what was: of a state that is another file's that would be another stack's history. Writes nothing. */
export async function refuseTaken(disk: Disk, dir: string, file: string): Promise<void> {
  const owner = await readOwner(disk, dir);
  if (owner !== null && !isOwner(owner, file) && isThere(owner)) throw taken(dir, file, owner);
}

/**
 * What a plan should say about whose state this is: that it is about to be taken over from a file that is gone or whose stack is
 * down, or that the same file has instances on record under another name. Throws as {@link claim} would. Writes nothing.
 */
export async function ownership(disk: Disk, dir: string, file: string): Promise<readonly Problem[]> {
  const owner = await readOwner(disk, dir);
  const other = owner === null || isOwner(owner, file) ? null : owner;
  const exists = other !== null && isThere(other);
  if (exists && !(await isFree(disk, dir))) throw taken(dir, file, other);
  const former = await formerStates(disk, dir, file);
  return [
    ...(other === null ? [] : [exists ? succeeds(file, other) : takeover(file, other)]),
    ...former.map((state) => renamed(file, state)),
  ];
}

/** Whose name the stack of this folder is, for a file that is yet to be written; null: that file may have it, and ends nobody's models with it. */
export async function nameOwner(disk: Disk, dir: string, file: string): Promise<string | null> {
  const owner = await readOwner(disk, dir);
  if (owner === null || isOwner(owner, file)) return null;
  return isThere(owner) || !(await isFree(disk, dir)) ? nameOf(owner) : null;
}

/** Idle, and nobody is about to change that. */
async function isFree(disk: Disk, dir: string): Promise<boolean> {
  const holder = readHolder(dir);
  return (holder === null || holder.pid === process.pid || !isAlive(holder)) && (await isIdle(disk, dir));
}

/** Nothing is applied, nothing was cut off, and no instance is on record, as after `down`. What cannot be read may be anything. */
async function isIdle(disk: Disk, dir: string): Promise<boolean> {
  try {
    const [inventory, endpoints, journal, records] = await Promise.all([
      readJson(disk, stateFiles.inventory(dir), inventoryShape, EMPTY_INVENTORY),
      readJson(disk, stateFiles.endpoints(dir), endpointsShape, EMPTY_ENDPOINTS),
      disk.read(stateFiles.journal(dir)),
      disk.list(join(dir, 'instances')),
    ]);
    const tail = journal === null ? { records: [], damaged: false } : parseJournal(journal);
    const counts = [inventory.value.models, endpoints.value.models].map((models) => Object.keys(models).length);
    const sound = inventory.problem === null && endpoints.problem === null && !tail.damaged;
    return (
      sound &&
      pendingSteps(tail.records).length === 0 &&
      [...counts, records.filter((name) => name.endsWith('.json')).length].every((one) => one === 0)
    );
  } catch {
    return false;
  }
}

/** Folders beside this one that belong to the same file and have instances on record. */
async function formerStates(disk: Disk, dir: string, file: string): Promise<readonly string[]> {
  const beside = dirname(dir);
  const found: string[] = [];
  for (const name of await disk.list(beside)) {
    const other = join(beside, name);
    const owner = other === dir ? null : await readOwner(disk, other).catch(() => null);
    if (owner === null || !isOwner(owner, file)) continue;
    const records = await disk.list(join(other, 'instances')).catch(() => []);
    if (records.some((record) => record.endsWith('.json'))) found.push(other);
  }
  return found;
}

function takeover(mine: string, owner: Owner): Problem {
  return {
    severity: 'warning',
    code: 'stack-moved',
    summary: `This stack was last applied from ${nameOf(owner)}, which is not there any more. Applying from ${mine} takes it over, models and all.`,
    fix: 'If that is another stack whose disk is not mounted, give this one a `name:` of its own.',
  };
}

function succeeds(mine: string, owner: Owner): Problem {
  return {
    severity: 'info',
    code: 'stack-moved',
    summary: `The name of this stack was last used by ${nameOf(owner)}, whose stack is down. Applying from ${mine} takes the name over, and its history.`,
    fix: 'If that stack is to run again, give this one a `name:` of its own.',
  };
}

function renamed(mine: string, state: string): Problem {
  return {
    severity: 'warning',
    code: 'stack-renamed',
    summary: `${mine} was applied under the name ${basename(state)} before, and models of that stack are still on record. This plan does not touch them.`,
    fix: `Stop them: llmops down --state-dir ${state}. Or set \`name: ${basename(state)}\` again.`,
  };
}

function taken(dir: string, mine: string, owner: Owner): ProblemError {
  return new ProblemError({
    code: 'stack-name-taken',
    summary: `Another file with the same stack name owns this state, and its models may run: ${nameOf(owner)}. Nothing was changed.`,
    fix: `Give ${mine} a \`name:\` of its own, or a folder of its own with --state-dir (the taken one is ${dir}).`,
  });
}

function moved(mine: string, owner: Owner): Problem {
  const why = isThere(owner) ? 'whose stack is down' : 'which is gone';
  return {
    severity: 'info',
    code: 'stack-moved',
    summary: `This stack was last applied from ${nameOf(owner)}, ${why}. From now on it belongs to ${mine}.`,
  };
}
