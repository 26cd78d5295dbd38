import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { compareText } from '../domain/text.ts';
import type { Context } from './context.ts';
import { digestIn, isKey } from './layout.ts';
import { allLinks } from './links.ts';
import type { StoredFile } from './types.ts';

/** Everything of ours that takes room, sorted by key. */
export async function list({ layout }: Context): Promise<readonly StoredFile[]> {
  const uses = await usesOf(layout.blobs, await allLinks(layout));
  const of = (folder: string, state: StoredFile['state']): Promise<readonly StoredFile[]> => filesIn(folder, state, uses);
  const all = await Promise.all([of(layout.blobs, 'whole'), of(layout.partial, 'partial'), of(layout.damaged, 'damaged')]);
  return all.flat().sort((a, b) => compareText(a.key, b.key));
}

interface Use {
  readonly names: readonly string[];
  readonly sets: readonly string[];
  readonly last: number;
}

/** Names and last use of our whole files, by key. */
async function usesOf(blobs: string, links: readonly { path: string; name: string; target: string }[]): Promise<ReadonlyMap<string, Use>> {
  const uses = new Map<string, Use>();
  for (const { path, name, target } of links) {
    if (dirname(target) !== blobs) continue;
    const facts = await lstat(path).catch(() => null);
    const known = uses.get(basename(target)) ?? { names: [], sets: [], last: 0 };
    const names = [...new Set([...known.names, name])].sort(compareText);
    const sets = [...new Set([...known.sets, basename(dirname(path))])].sort(compareText);
    uses.set(basename(target), { names, sets, last: Math.max(known.last, facts?.mtimeMs ?? 0) });
  }
  return uses;
}

async function filesIn(folder: string, state: StoredFile['state'], uses: ReadonlyMap<string, Use>): Promise<readonly StoredFile[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names.filter(isKey).map(async (key): Promise<readonly StoredFile[]> => {
      const facts = await stat(join(folder, key)).catch(() => null);
      if (!facts?.isFile()) return [];
      const use = state === 'partial' ? undefined : uses.get(key);
      const lastUsed = Math.floor(Math.max(facts.mtimeMs, use?.last ?? 0));
      return [{ key, sha256: digestIn(key), bytes: facts.size, names: use?.names ?? [], sets: use?.sets ?? [], lastUsed, state }];
    }),
  );
  return found.flat();
}
