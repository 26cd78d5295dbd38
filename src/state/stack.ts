import { existsSync, realpathSync } from 'node:fs';
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
  const path = stateFiles.stack(dir);
  const mine = realpathSync(file);
  const { value: owner } = await readJson(disk, path, fileShape, null);
  if (owner === mine) return null;
  if (owner !== null && existsSync(owner)) throw taken(dir, mine, owner);
  await writeDurably(disk, path, jsonText({ formatVersion: '1.0', file: mine }));
  return owner === null ? null : moved(mine, owner);
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
