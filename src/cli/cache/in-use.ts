import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliContext, StackFlags } from '../context.ts';
import { stateHomeOf } from '../paths.ts';

/**
 * Digests of weights, and of their files, that a stack on this machine has on record: as applied now, or in a generation
 * that it may want to go back to. Stacks with `--state-dir` elsewhere are not known here.
 */
export async function digestsInUse(context: CliContext, flags: StackFlags): Promise<ReadonlySet<string>> {
  const home = stateHomeOf(context);
  const stacks = await readdir(home, { withFileTypes: true }).catch(() => []);
  const folders = stacks.filter((entry) => entry.isDirectory()).map(({ name }) => join(home, name));
  const given = flags.stateDir === undefined ? [] : [flags.stateDir];
  const digests = new Set<string>();
  for (const folder of [...folders, ...given]) for (const digest of await digestsOf(folder)) digests.add(digest);
  return digests;
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
