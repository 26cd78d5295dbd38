import { createHash } from 'node:crypto';
import { keptFolder, keptPath, type Attached } from '../domain/kept.ts';
import type { Disk } from './disk.ts';
import { readJson, TEMPORARY, writeDurably } from './durable.ts';
import { EMPTY_INVENTORY, inventoryShape, stateFiles } from './files.ts';
import { readGenerations } from './generations.ts';

/** True if the file with this content is kept, and whole. Only that counts: a folder of ours can be damaged as any other. */
export async function isKept(disk: Disk, dir: string, sha256: string): Promise<boolean> {
  const bytes = await disk.read(keptPath(dir, sha256));
  return bytes !== null && digestOf(bytes) === sha256;
}

/** Keeps a file by its content. Durable when it resolves. False: the bytes are not those of the digest, and nothing is kept. */
export async function keep(disk: Disk, dir: string, sha256: string, bytes: Uint8Array): Promise<boolean> {
  if (digestOf(bytes) !== sha256) return false;
  await disk.makeFolder(keptFolder(dir));
  await writeDurably(disk, keptPath(dir, sha256), bytes);
  return true;
}

/**
 * Removes kept files that neither what is in force nor a kept generation refers to, and `more` neither. Of a state that cannot
 * be read nothing is removed. The lease must be held.
 */
export async function pruneKept(disk: Disk, dir: string, more: Attached): Promise<void> {
  const names = await disk.list(keptFolder(dir));
  if (names.length === 0) return;
  const { value, problem } = await readJson(disk, stateFiles.inventory(dir), inventoryShape, EMPTY_INVENTORY);
  if (problem !== null) return;
  const inForce = Object.values(value.models).map(({ spec }) => spec?.attachments);
  const history = (await readGenerations(disk, dir, Infinity)).map(({ attached }) => attached);
  const needed = new Set([more, ...inForce, ...history].flatMap((attached) => Object.values(attached ?? {})));
  const isOurs = (name: string): boolean => /^[0-9a-f]{64}$/.test(name) || name.endsWith(TEMPORARY);
  for (const name of names.filter((one) => isOurs(one) && !needed.has(one))) await disk.remove(keptPath(dir, name));
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
