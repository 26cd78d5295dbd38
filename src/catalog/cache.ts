import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GgufFacts } from '../domain/desired.ts';
import type { WeightFile } from './locate.ts';

/** What was found out about files that have not been touched since. */
export interface Remembered {
  /** `weightsDigest` of all parts. */
  readonly sha256: string;
  /** SHA-256 (hex) of each part. */
  readonly parts: readonly string[];
  readonly gguf: GgufFacts | null;
}

/** Digests by file. Losing it, or finding rubbish in it, costs time and nothing else. */
export interface DigestCache {
  get(files: readonly WeightFile[]): Promise<Remembered | null>;
  /** Never fails: a cache that cannot be kept is only slower. */
  put(files: readonly WeightFile[], value: Remembered): Promise<void>;
}

/** Raised when the meaning of an entry changes: older ones are then as good as not there. */
const FORMAT = 3;
/** Clocks of file systems tick about every 4 to 10 ms: a file written twice in one tick looks untouched. */
const TICK_MS = 50n;

/** A cache in `folder`, one file for each model, written beside and moved into place so that readers see whole entries only. */
export function openDigestCache(folder: string): DigestCache {
  const fileOf = (files: readonly WeightFile[]): string => path.join(folder, `${sha256(files[0]?.path ?? '').slice(0, 32)}.json`);
  return {
    async get(files) {
      const text = await readFile(fileOf(files), 'utf8').catch(() => '');
      return decode(text, identityOf(files));
    },
    async put(files, value) {
      if (files.some(wasJustWritten)) return;
      const target = fileOf(files);
      const beside = `${target}.${process.pid}.${randomBytes(6).toString('hex')}`;
      const body = JSON.stringify({ identity: identityOf(files), ...value });
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(beside, JSON.stringify({ format: FORMAT, check: sha256(body), body }), { mode: 0o600 });
        await rename(beside, target);
      } catch {
        await rm(beside, { force: true }).catch(() => undefined);
      }
    },
  };
}

function identityOf(files: readonly WeightFile[]): string {
  return files.map((file) => file.identity).join('\n');
}

function wasJustWritten(file: WeightFile): boolean {
  const changed = BigInt(file.identity.split('|').at(-1) ?? '0') / 1_000_000n;
  return BigInt(Date.now()) - changed < TICK_MS;
}

/** null unless the entry is whole, of this format and about these very files. */
function decode(text: string, identity: string): Remembered | null {
  try {
    const entry = JSON.parse(text) as { readonly format?: unknown; readonly check?: unknown; readonly body?: unknown };
    if (entry.format !== FORMAT || typeof entry.body !== 'string' || entry.check !== sha256(entry.body)) return null;
    const body = JSON.parse(entry.body) as Remembered & { readonly identity: string };
    return body.identity === identity ? { sha256: body.sha256, parts: body.parts, gguf: body.gguf } : null;
  } catch {
    return null;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
