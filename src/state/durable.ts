import { basename, dirname, join } from 'node:path';
import type { Json } from '../domain/desired.ts';
import { ProblemError, type Problem } from '../domain/problem.ts';
import type { Disk } from './disk.ts';

/** Ends of names that {@link writeDurably} leaves behind if it is cut off. Nobody reads them. */
export const TEMPORARY = '.tmp';

/** Replaces a whole file: afterwards it holds the new bytes, and after a crash at any point the old or the new ones. */
export async function writeDurably(disk: Disk, path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}${TEMPORARY}`;
  try {
    await disk.write(temporary, typeof content === 'string' ? Buffer.from(content) : content);
    await disk.rename(temporary, path);
  } catch (error) {
    await disk.remove(temporary).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  await disk.syncFolder(dirname(path));
}

/** JSON as state files hold it: for people too. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What a state file held. `problem` is set if it was there and could not be understood; the value is then the fallback. */
export interface ReadResult<T> {
  readonly value: T;
  readonly problem: Problem | null;
}

/**
 * Reads a JSON file of ours. A torn or foreign file is a warning, never an error: state is history, and the world is asked
 * anyway. A file of a newer llmops is an error, because writing to it could lose what the newer one knows.
 */
export async function readJson<T>(disk: Disk, path: string, shape: (value: Json) => T | null, fallback: T): Promise<ReadResult<T>> {
  const bytes = await disk.read(path);
  if (bytes === null) return { value: fallback, problem: null };
  const parsed = parseJson(bytes);
  refuseNewer(path, parsed);
  const value = parsed === undefined ? null : shape(parsed);
  return value === null ? { value: fallback, problem: damaged(path) } : { value, problem: null };
}

/** Moves a damaged file out of the way, so that a person can still look at it. */
export async function setAside(disk: Disk, path: string): Promise<string> {
  const names = await disk.list(dirname(path));
  for (let n = 1; ; n += 1) {
    const name = `${basename(path)}.corrupt-${n}`;
    if (names.includes(name)) continue;
    await disk.rename(path, join(dirname(path), name));
    await disk.syncFolder(dirname(path));
    return name;
  }
}

/** True for `{...}`: the first thing that every shape check asks. */
export function isObject(value: unknown): value is Readonly<Record<string, Json>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function parseJson(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch {
    return undefined;
  }
}

function refuseNewer(path: string, value: Json | undefined): void {
  const version = isObject(value) ? value['formatVersion'] : undefined;
  if (typeof version !== 'string' || version.startsWith('1.')) return;
  throw new ProblemError({
    code: 'state-too-new',
    summary: `${path} was written by a newer llmops (format ${version}; this one knows 1.x). Nothing was changed.`,
    fix: 'Update llmops, or name another folder with --state-dir.',
  });
}

function damaged(path: string): Problem {
  return {
    severity: 'warning',
    code: 'state-damaged',
    summary: `${path} is damaged and was not used. Running models are found again by their marks; what was recorded about them is lost.`,
    fix: 'Nothing needs doing: the next apply sets the file aside and writes a new one.',
  };
}
