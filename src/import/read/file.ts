import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ProblemError } from '../../domain/problem.ts';
import type { ForeignFile } from '../foreign.ts';

/** Where a file is looked for, and where llmops.yaml will stand. */
export interface Places {
  /** Where relative paths start. */
  readonly folder: string;
  /** Folder of the llmops.yaml that is written: its paths start there. */
  readonly outDir: string;
  readonly stdin: AsyncIterable<unknown>;
}

/** Larger files are no settings that somebody wrote. */
const LIMIT = 2 * 1024 * 1024;

/** Reads another tool's file: the one that is named, or the first of its usual names that is there. `-` is standard input. */
export async function readForeign(from: string | null, usual: readonly string[], places: Places): Promise<ForeignFile> {
  if (from !== null && /^https?:\/\//i.test(from))
    throw unreadable('An address was given', 'it is a file that is read. Fetch it first, then name it.');
  if (from === '-')
    return { name: 'standard input', text: decode(await all(places.stdin), 'Standard input'), path: pathOf(places.folder, places.outDir) };
  const name = from ?? usual.find((one) => existsSync(join(places.folder, one)));
  if (name === undefined) throw unreadable(`None of ${usual.join(', ')} is here`, 'name the file.');
  const file = resolve(places.folder, name);
  const bytes = await readRegular(file).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw unreadable(`${name} cannot be read: ${code ?? message}`, 'name another file.', error);
  });
  return { name, text: decode(bytes, name), path: pathOf(dirname(file), places.outDir) };
}

/** A device or a pipe may have no end: what is piped comes as `-`. */
async function readRegular(file: string): Promise<Uint8Array> {
  const facts = await stat(file);
  if (facts.isFile() && facts.size <= LIMIT) return readFile(file);
  throw new Error(facts.isFile() ? `it has more than ${LIMIT / 2 ** 20} MiB` : 'it is not a file');
}

async function all(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    bytes += (chunk as Uint8Array).length;
    if (bytes > LIMIT) break;
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, name: string): string {
  if (bytes.length > LIMIT) throw unreadable(`${name} has more than ${LIMIT / 2 ** 20} MiB`, 'check that it is the right file.');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(`${name} is not UTF-8`, 'check that it is the right file.', error);
  }
}

/** Paths beside the file, as seen from llmops.yaml: relative within its folder, else absolute. `~` and what is not resolved lead nowhere. */
export function pathOf(base: string, outDir: string): (written: string) => string | null {
  return (written) => {
    if (/^~|\$\{|^\s*$|\0/.test(written) || /^[A-Za-z]:[\\/]/.test(written)) return null;
    const absolute = isAbsolute(written) ? join(written) : join(base, written);
    const near = relative(outDir, absolute);
    return near === '..' || near.startsWith(`..${sep}`) || isAbsolute(near) ? absolute : near;
  };
}

function unreadable(what: string, fix: string, cause?: unknown): ProblemError {
  return new ProblemError(
    { code: 'import-no-file', summary: `${what}. Nothing was written.`, fix: `${fix.charAt(0).toUpperCase()}${fix.slice(1)}` },
    cause,
  );
}
