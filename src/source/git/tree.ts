import { posix } from 'node:path';
import { ProblemError } from '../../domain/problem.ts';
import { blobOf } from './blob.ts';
import type { Env } from './environment.ts';
import type { Mirror } from './mirror.ts';
import { plain } from './words.ts';

/** Of what people write by hand. */
export const MOST_TEXT_BYTES = 16 * 2 ** 20;
/** Of a lock: ten thousand models take 10 MB. */
export const MOST_LOCK_BYTES = 64 * 2 ** 20;

const MOST_LINKS = 8;
const MOST_LINK_BYTES = 4096;
const LFS = Buffer.from('version https://git-lfs.github.com/spec/v1\n');

/** Reads files of commits. `path` is relative to the top of the repository. null: the commit has no such file. */
export type ReadFile = (commit: string, path: string, limit: number, signal: AbortSignal) => Promise<Buffer | null>;

interface Entry {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  readonly bytes: number;
  readonly path: string;
}

/**
 * Links are followed inside the commit, and never out of it. Throws a ProblemError `git-file-unreadable` (a folder, a submodule, a
 * link to elsewhere, a pointer of LFS) or `git-file-too-large`, and MirrorDamaged.
 */
export function fileReader(mirror: Mirror, env: Env): ReadFile {
  return async (commit, path, limit, signal) => {
    let at = path;
    for (let links = 0; links <= MOST_LINKS; links += 1) {
      const found = await lookUp(mirror, commit, at, signal);
      if (found === null) return null;
      if (found.mode !== '120000') return contentOf(mirror, commit, { ...found, path: at }, limit, env);
      at = await behind(mirror, commit, found, at, env);
    }
    throw unreadable(commit, path, 'leads through too many links');
  };
}

/** The file itself, or the link that stands in the way to it. A submodule or a file where a folder should be is found by its own path. */
async function lookUp(mirror: Mirror, commit: string, path: string, signal: AbortSignal): Promise<Entry | null> {
  const parts = path.split('/');
  const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  const said = await mirror.text(['ls-tree', '-t', '-z', '-l', '--full-tree', commit, '--', ...prefixes], signal);
  const entries = new Map(said.split('\0').flatMap((line) => entriesIn(line).map((entry) => [entry.path, entry] as const)));
  const inTheWay = prefixes
    .slice(0, -1)
    .map((prefix) => entries.get(prefix))
    .find((entry) => entry && entry.type !== 'tree');
  if (inTheWay?.type === 'commit')
    throw unreadable(commit, path, `lies in the submodule ${plain(inTheWay.path)}, which is another repository`);
  if (inTheWay) return inTheWay.mode === '120000' ? inTheWay : null;
  return entries.get(path) ?? null;
}

/** `100644 blob ID    SIZE\tPATH`; of a folder the size is `-`. */
function entriesIn(line: string): readonly Entry[] {
  const match = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line);
  if (match === null) return [];
  const [, mode = '', type = '', id = '', size = '', path = ''] = match;
  return [{ mode, type, id, bytes: size === '-' ? 0 : Number(size), path }];
}

async function contentOf(mirror: Mirror, commit: string, entry: Entry, limit: number, env: Env): Promise<Buffer> {
  if (entry.type === 'commit') throw unreadable(commit, entry.path, 'is a submodule');
  if (entry.type !== 'blob') throw unreadable(commit, entry.path, 'is a folder');
  if (entry.bytes > limit) throw tooLarge(commit, entry, limit);
  const content = await blobOf(mirror.gitDir, entry.id, env);
  if (content.subarray(0, LFS.length).equals(LFS))
    throw unreadable(commit, entry.path, 'is kept with Git LFS, so that the commit holds a pointer only');
  return content;
}

/** Where a link leads, with what followed it in the path. */
async function behind(mirror: Mirror, commit: string, link: Entry, path: string, env: Env): Promise<string> {
  if (link.bytes > MOST_LINK_BYTES) throw unreadable(commit, path, 'leads through a link that is too long');
  const target = (await blobOf(mirror.gitDir, link.id, env)).toString();
  const to = posix.join(posix.dirname(link.path), target, path.slice(link.path.length));
  if (posix.isAbsolute(target) || /^\.\.(?:\/|$)/.test(to))
    throw unreadable(commit, path, `is a link out of the repository (${plain(target, 80)})`);
  return to;
}

function unreadable(commit: string, path: string, how: string): ProblemError {
  return new ProblemError({
    code: 'git-file-unreadable',
    summary: `${plain(path)} of commit ${short(commit)} ${how}.`,
    expected: 'A file of the commit itself.',
    fix: 'Commit the file itself at this path.',
  });
}

function tooLarge(commit: string, { path, bytes }: Entry, limit: number): ProblemError {
  return new ProblemError({
    code: 'git-file-too-large',
    summary: `${plain(path)} of commit ${short(commit)} has ${bytes} bytes; ${limit} are read at most.`,
    fix: 'Commit a smaller one.',
  });
}

/** As people say a commit. */
export const short = (commit: string): string => commit.slice(0, 7);
