import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import { ProblemError } from '../domain/problem.ts';
import { weightsDigest, type RemoteFile } from '../domain/weights.ts';

/** Folders of the store; index.ts tells what is in them. */
export interface Layout {
  readonly dir: string;
  readonly blobs: string;
  readonly partial: string;
  readonly damaged: string;
  readonly locks: string;
  readonly sets: string;
  readonly seen: string;
  readonly users: string;
  readonly temporary: string;
}

/** The folders below `dir`. */
export function layoutOf(dir: string): Layout {
  const at = (name: string): string => join(dir, name);
  return {
    dir,
    blobs: at('blobs'),
    partial: at('partial'),
    damaged: at('damaged'),
    locks: at('locks'),
    sets: at('sets'),
    seen: at('seen'),
    users: at('users'),
    temporary: at('tmp'),
  };
}

/** Begins the keys of downloads whose digest nobody knows. */
const UNKNOWN = 'unknown-';
const KEY = /^(?:[0-9a-f]{64}|unknown-[0-9a-f]{32})$/;
/** Most bytes of a name on the file systems that matter (NAME_MAX). */
const LONGEST_NAME = 255;

/** True for what names a file in `blobs`, `partial` or `damaged`. */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** The key of a download that is known by its address only. The address may hold a secret, so only its hash is kept. */
export function keyOfUrl(url: string): string {
  return `${UNKNOWN}${sha256Of(url).slice(0, 32)}`;
}

/** The digest that a key is; null: the file has none yet. */
export function digestIn(key: string): string | null {
  return key.startsWith(UNKNOWN) ? null : key;
}

/** SHA-256 of a text, hex. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Throws a ProblemError `weights-bad-name` unless digest and size can be those of a file: they come from files that people edit. */
export function checkFile(file: RemoteFile): void {
  if (/^[0-9a-f]{64}$/.test(file.sha256) && Number.isSafeInteger(file.bytes) && file.bytes >= 0) return;
  throw badName(`${JSON.stringify(file.path)} has no usable SHA-256 or size`);
}

/** What a file is called on disk: the last part of its path. Throws a ProblemError `weights-bad-name`. */
export function baseName(file: Pick<RemoteFile, 'path'>): string {
  const name = posix.basename(file.path);
  const usable = name !== '' && name !== '.' && name !== '..' && !/[\u0000-\u001f\u007f/\\]/.test(name);
  if (usable && Buffer.byteLength(name) <= LONGEST_NAME) return name;
  throw badName(`${JSON.stringify(file.path.slice(0, LONGEST_NAME))} is no name that a file can have`);
}

/** Folder where these files lie side by side. */
export function setOf(layout: Layout, files: readonly RemoteFile[]): string {
  for (const file of files) checkFile(file);
  const names = files.map(baseName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw badName(`two files of one model are called ${JSON.stringify(twice)}`);
  return join(layout.sets, weightsDigest(files, sha256Of));
}

function badName(what: string): ProblemError {
  return new ProblemError({
    code: 'weights-bad-name',
    summary: `Weights cannot be kept: ${what}. Nothing was changed.`,
    fix: 'Correct the entry in llmops.lock, or write it anew with `llmops lock`.',
  });
}
