import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Json } from '../domain/desired.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import type { Disk } from './disk.ts';
import { isObject, jsonText, readJson, writeDurably } from './durable.ts';
import { stateFiles } from './files.ts';

/**
 * Binds this state to one llmops.yaml, so that two stacks of the same name do not delete each other's models. Called under
 * the lease. Throws a ProblemError `stack-name-taken` if another file that still exists owns it; a file that is gone (moved
 * or deleted) is succeeded, and the returned problem says so.
 */
export async function claim(disk: Disk, dir: string, file: string): Promise<Problem | null> {
  const mine = identityOf(file);
  const owner = await ownerOf(disk, dir);
  if (owner === mine) return null;
  if (owner !== null && existsSync(owner)) throw taken(dir, mine, owner);
  await writeDurably(disk, stateFiles.stack(dir), jsonText({ formatVersion: '1.0', file: mine }));
  return owner === null ? null : moved(mine, owner);
}

/** The same refusal for verbs that only look: what they would show is another stack's. Writes nothing. */
export async function refuseTaken(disk: Disk, dir: string, file: string): Promise<void> {
  const mine = identityOf(file);
  const owner = await ownerOf(disk, dir);
  if (owner !== null && owner !== mine && existsSync(owner)) throw taken(dir, mine, owner);
}

/**
 * {@link refuseTaken}, and what a plan should say about whose state this is: that it is about to be taken over from a file
 * that is gone, or that the same file has instances on record under another name. Writes nothing.
 */
export async function ownership(disk: Disk, dir: string, file: string): Promise<readonly Problem[]> {
  await refuseTaken(disk, dir, file);
  const mine = identityOf(file);
  const owner = await ownerOf(disk, dir);
  const former = await formerStates(disk, dir, mine);
  return [...(owner === null || owner === mine ? [] : [takeover(mine, owner)]), ...former.map((state) => renamed(mine, state))];
}

/** Folders beside this one that belong to the same file and have instances on record. */
async function formerStates(disk: Disk, dir: string, mine: string): Promise<readonly string[]> {
  const beside = dirname(dir);
  const found: string[] = [];
  for (const name of await disk.list(beside)) {
    const other = join(beside, name);
    if (other === dir || (await ownerOf(disk, other).catch(() => null)) !== mine) continue;
    const records = await disk.list(join(other, 'instances')).catch(() => []);
    if (records.some((record) => record.endsWith('.json'))) found.push(other);
  }
  return found;
}

function takeover(mine: string, owner: string): Problem {
  return {
    severity: 'warning',
    code: 'stack-moved',
    summary: `This stack was last applied from ${owner}, which is not there any more. Applying from ${mine} takes it over, models and all.`,
    fix: 'If that is another stack whose disk is not mounted, give this one a `name:` of its own.',
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

/** Absolute path of the llmops.yaml that this state belongs to; null: nobody's yet. */
export async function ownerOf(disk: Disk, dir: string): Promise<string | null> {
  return (await readJson(disk, stateFiles.stack(dir), fileShape, null)).value;
}

/** One path for one file, however it was reached; also for a file that is gone. */
export function identityOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return dirname(file) === file ? file : join(identityOf(dirname(file)), basename(file));
  }
}

function fileShape(value: Json): string | null {
  return isObject(value) && typeof value['file'] === 'string' ? value['file'] : null;
}

function taken(dir: string, mine: string, owner: string): ProblemError {
  return new ProblemError({
    code: 'stack-name-taken',
    summary: `Another file with the same stack name owns this state: ${owner}. Nothing was changed.`,
    fix: `Give ${mine} a \`name:\` of its own, or a folder of its own with --state-dir (the taken one is ${dir}).`,
  });
}

function moved(mine: string, owner: string): Problem {
  return {
    severity: 'info',
    code: 'stack-moved',
    summary: `This stack was last applied from ${owner}, which is gone. From now on it belongs to ${mine}.`,
  };
}
