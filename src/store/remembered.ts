import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from './context.ts';
import { makeFolder } from './disk.ts';
import { hashFile } from './hash/file.ts';
import { sha256Of } from './layout.ts';
import type { ReadIo } from './types.ts';

/** Clocks of file systems tick about every 4 to 10 ms: a file written twice in one tick looks untouched. */
const TICK_MS = 50;

/**
 * SHA-256 (hex) of a file in another program's cache: found out once, and known until the file is touched. null: it cannot
 * be read, or it changed meanwhile. Throws `cancelled`.
 */
export async function digestElsewhere(context: Context, path: string, io: ReadIo): Promise<string | null> {
  const facts = await stat(path, { bigint: true }).catch(() => null);
  if (!facts?.isFile()) return null;
  const identity = identityOf(facts);
  const entry = join(context.layout.seen, `${sha256Of(path).slice(0, 32)}.json`);
  const known = await recall(entry, identity);
  if (known !== null) return known;
  const sha256 = await hashFile(path, Number(facts.size), io).catch((error: unknown) => {
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return null;
    throw error;
  });
  const now = await stat(path, { bigint: true }).catch(() => null);
  if (sha256 === null || now === null || identityOf(now) !== identity) return null;
  if (Date.now() - Number(facts.ctimeMs) > TICK_MS) await remember(context, entry, identity, sha256);
  return sha256;
}

/** Nanoseconds, because a copy takes less than a second. */
function identityOf(facts: BigIntStats): string {
  return [facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join('|');
}

async function recall(entry: string, identity: string): Promise<string | null> {
  try {
    const known = JSON.parse(await readFile(entry, 'utf8')) as { readonly identity?: unknown; readonly sha256?: unknown };
    return known.identity === identity && typeof known.sha256 === 'string' ? known.sha256 : null;
  } catch {
    return null;
  }
}

/** Never fails: what cannot be remembered is hashed again. */
async function remember({ layout }: Context, entry: string, identity: string, sha256: string): Promise<void> {
  const beside = join(layout.temporary, `${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    await makeFolder(layout.seen);
    await makeFolder(layout.temporary);
    await writeFile(beside, JSON.stringify({ identity, sha256 }), { mode: 0o600 });
    await rename(beside, entry);
  } catch {
    await rm(beside, { force: true }).catch(() => undefined);
  }
}
