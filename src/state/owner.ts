import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Json } from '../domain/desired.ts';
import type { Disk } from './disk.ts';
import { isObject, jsonText, readJson, writeDurably } from './durable.ts';
import { stateFiles } from './files.ts';

/**
 * The llmops.yaml that a state belongs to. It is known by the paths that people use for it, as a link in them may lead to the next
 * release of the same stack tomorrow; and by what they lead to, as one file can be reached by many.
 */
export interface Owner {
  /** Absolute paths by which it was claimed, the last first; never empty. */
  readonly given: readonly string[];
  /** What they led to then. */
  readonly file: string;
}

/** Paths that are remembered. */
const MOST = 8;

/** null: it is nobody's yet. */
export async function readOwner(disk: Disk, dir: string): Promise<Owner | null> {
  return (await readJson(disk, stateFiles.stack(dir), shape, null)).value;
}

/** `owner`: who had it before, if that is the same file. */
export async function writeOwner(disk: Disk, dir: string, file: string, owner: Owner | null): Promise<void> {
  const real = realOf(file);
  // What leads elsewhere by now is another file's: the folder of the release before.
  const others = owner?.given.filter((path) => path !== file && realOf(path) === real) ?? [];
  const next = { file: real, given: [file, ...others].slice(0, MOST) };
  const isKnown = owner?.file === real && owner.given.length === next.given.length && owner.given.includes(file);
  if (!isKnown) await writeDurably(disk, stateFiles.stack(dir), jsonText({ formatVersion: '1.0', ...next }));
}

/** True if this path names the owner: by a path that it was claimed by, or as the same file. */
export function isOwner(owner: Owner, file: string): boolean {
  if (owner.given.includes(file)) return true;
  const real = realOf(file);
  return owner.given.some((path) => realOf(path) === real) || (!isThere(owner) && owner.file === real);
}

export function isThere({ given }: Owner): boolean {
  return given.some((path) => existsSync(path));
}

/** As people know it. */
export function nameOf({ given, file }: Owner): string {
  return given.find((path) => existsSync(path)) ?? given[0] ?? file;
}

/** What a path leads to now; also of a file that is gone. */
function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return dirname(file) === file ? file : join(realOf(dirname(file)), basename(file));
  }
}

/** Versions before knew one path only. */
function shape(value: Json): Owner | null {
  if (!isObject(value) || typeof value['file'] !== 'string') return null;
  const { file, given } = value;
  const paths = Array.isArray(given) ? given.filter((path) => typeof path === 'string') : [];
  return { file, given: paths.length === 0 ? [file] : paths };
}
