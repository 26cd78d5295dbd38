import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** What the file system says of some files without reading them. */
export interface Stamp {
  /** Two that are equal: nothing was written in between, as far as the file system tells. */
  readonly key: string;
  /** When the youngest of them was written, in ms since 1970; null: none is there. */
  readonly writtenMs: number | null;
}

/** Asks for all files. Links are followed: a link that leads elsewhere now is another file. Never rejects. */
export async function stampOf(paths: readonly string[]): Promise<Stamp> {
  const all = await Promise.all(paths.map((path) => stat(path, { bigint: true }).catch(codeOf)));
  const times = all.flatMap((each) => (typeof each === 'string' ? [] : [Number(each.mtimeMs)]));
  return { key: all.map(keyOf).join(' '), writtenMs: times.length === 0 ? null : Math.max(...times) };
}

/** The time of the inode's last change is among them, since what keeps size and mtime (`rsync -t`, `chmod`) still sets that one. */
function keyOf(found: BigIntStats | string): string {
  if (typeof found === 'string') return found;
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}
