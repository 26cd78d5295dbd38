import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliContext, StackFlags } from '../context.ts';
import { ProblemError } from '../../domain/problem.ts';
import { stackPaths, stateHomeOf } from '../../stack/paths.ts';
import { readLock } from '../../stack/pins.ts';

/**
 * Digests of weights, and of their files, that a stack on this machine has on record: as applied now, or in a generation
 * that it may want to go back to; and those that the lock here pins. Stacks with `--state-dir` elsewhere are not known.
 * Throws a ProblemError if the lock cannot be read: what it pins would be taken for unused.
 */
export async function digestsInUse(context: CliContext, flags: StackFlags): Promise<ReadonlySet<string>> {
  const home = stateHomeOf(context);
  const stacks = await readdir(home, { withFileTypes: true }).catch(() => []);
  const folders = stacks.filter((entry) => entry.isDirectory()).map(({ name }) => join(home, name));
  const digests = new Set<string>(await digestsPinned(context, flags));
  for (const folder of folders) for (const digest of await digestsOf(folder)) digests.add(digest);
  return digests;
}

async function digestsPinned(context: CliContext, flags: StackFlags): Promise<readonly string[]> {
  const { lock, problems } = await readLock(stackPaths(context, flags));
  if (problems[0] !== undefined) throw new ProblemError(problems[0]);
  return Object.values(lock?.models ?? {}).flatMap(({ sha256, files }) => [sha256, ...files.map((file) => file.sha256)]);
}

async function digestsOf(stateDir: string): Promise<readonly string[]> {
  const { listGenerations, readState } = await import('../../state/index.ts');
  const { inventory } = await readState(stateDir);
  const applied = Object.values(inventory.models).flatMap(({ spec, fields }) => [
    fields['digest'],
    ...(spec === undefined ? [] : [spec.weights.sha256, ...(spec.weights.remote?.files ?? []).map(({ sha256 }) => sha256)]),
  ]);
  const retained = (await listGenerations(stateDir)).flatMap(({ changes }) => changes.map(({ wish }) => wish?.fields['digest']));
  return [...applied, ...retained].filter((digest) => typeof digest === 'string');
}
