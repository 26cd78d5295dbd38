import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isGood, type Git } from './git.ts';
import type { Answer } from '../../programs/index.ts';
import { reasonOf } from './words.ts';

/** All of history: git's own number for it. */
export const ALL = 2_147_483_647;

/** The name that the head of the branch has in the mirror. */
const HEAD = 'refs/llmops/head';
const FETCH_MS = 60_000;
const GC_MS = 60_000;
/** Each fetch leaves a pack; with more of them every look gets slower. */
const MOST_PACKS = 50;

const OBJECT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const REFUSES_SHALLOW = /shallow|depth/i;

/** Something came in broken, or could not be brought: `isLate` if that was for time only. Its message is on one line and free of secrets. */
export class FetchFailed extends Error {
  override readonly name = 'FetchFailed';
  readonly isLate: boolean;
  constructor(message: string, isLate: boolean) {
    super(message);
    this.isLate = isLate;
  }
}

/** What the mirror should hold cannot be read from it. */
export class MirrorDamaged extends Error {
  override readonly name = 'MirrorDamaged';
}

/** A bare repository of ours with one branch of a remote, as much of its history as was needed so far. */
export interface Mirror {
  /** Its folder; it may be exchanged for a new one by `renew`, under the same name. */
  readonly gitDir: string;
  /** The commit that was fetched last; null: none, or it cannot be read. */
  head(signal: AbortSignal): Promise<string | null>;
  /** Fetches the head of the branch with `depth` generations; where the remote can give all only, all. Resolves to the head. Throws FetchFailed. */
  fetch(depth: number, signal: AbortSignal): Promise<string>;
  /** Makes it anew beside the old one, which stays if that fails. Throws FetchFailed, or what the file system throws. */
  renew(depth: number, digits: number, signal: AbortSignal): Promise<string>;
  /** True if history is cut off somewhere. */
  isShallow(): boolean;
  /** Asks git about it. Rejects as `Git.ask`. */
  ask(args: readonly string[], signal: AbortSignal): Promise<Answer>;
  /** As `ask`, for what must be there: its text. Throws MirrorDamaged. */
  text(args: readonly string[], signal: AbortSignal): Promise<string>;
}

/** `folder` is there. */
export function mirrorIn(folder: string, git: Git, remote: { readonly url: string; readonly branch: string }): Mirror {
  const gitDir = join(folder, 'repo.git');
  const ask = (args: readonly string[], signal: AbortSignal): Promise<Answer> => git.ask([`--git-dir=${gitDir}`, ...args], signal);
  const headIn = async (dir: string, signal: AbortSignal): Promise<string | null> => {
    const answer = await git.ask([`--git-dir=${dir}`, 'rev-parse', '--verify', '--quiet', `${HEAD}^{commit}`], signal);
    const commit = answer.stdout.trim();
    return isGood(answer) && OBJECT.test(commit) ? commit : null;
  };
  const fetchInto = async (dir: string, depth: number, signal: AbortSignal): Promise<string> => {
    await bring(git, dir, remote, depth, signal);
    const head = await headIn(dir, signal);
    if (head === null) throw new FetchFailed('what was fetched cannot be read', false);
    return head;
  };
  return {
    gitDir,
    ask,
    head: (signal) => headIn(gitDir, signal),
    isShallow: () => existsSync(join(gitDir, 'shallow')),
    async fetch(depth, signal) {
      const head = await fetchInto(gitDir, depth, signal);
      await tidy(git, gitDir, signal);
      return head;
    },
    async renew(depth, digits, signal) {
      const [next, old] = [join(folder, 'next.git'), join(folder, 'old.git')];
      await Promise.all([next, old].map(remove));
      const made = await git.ask(
        ['init', '--quiet', '--bare', '--template=', ...(digits === 64 ? ['--object-format=sha256'] : []), next],
        signal,
      );
      if (!isGood(made)) throw new FetchFailed(git.why(made), made.how === 'late');
      const head = await fetchInto(next, depth, signal);
      if (existsSync(gitDir)) await rename(gitDir, old);
      await rename(next, gitDir);
      await remove(old);
      return head;
    },
    async text(args, signal) {
      const answer = await ask(args, signal);
      if (!isGood(answer)) throw new MirrorDamaged(git.why(answer));
      return answer.stdout;
    },
  };
}

/** Makes the folder of a mirror, for nobody else to read: what it holds may be private. Throws what the file system throws. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

const remove = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true, maxRetries: 3 });

type From = { readonly url: string; readonly branch: string };

async function bring(git: Git, dir: string, from: From, depth: number, signal: AbortSignal): Promise<void> {
  const answer = await fetchOnce(git, dir, from, [`--depth=${depth}`], signal);
  if (isGood(answer)) return;
  const mayGiveAll = answer.how === 'ended' && REFUSES_SHALLOW.test(reasonOf(answer, FETCH_MS));
  const again = mayGiveAll ? await fetchOnce(git, dir, from, [], signal) : answer;
  if (!isGood(again)) throw new FetchFailed(git.why(again, FETCH_MS), again.how === 'late');
}

/** `--update-shallow`: the remote may be a shallow clone itself. */
async function fetchOnce(git: Git, dir: string, { url, branch }: From, depth: readonly string[], signal: AbortSignal): Promise<Answer> {
  const flags = ['--quiet', '--no-tags', '--no-write-fetch-head', '--update-shallow', '--force', ...depth];
  const ask = git.ask([`--git-dir=${dir}`, 'fetch', ...flags, '--', url, `+refs/heads/${branch}:${HEAD}`], signal, FETCH_MS);
  const answer = await ask.catch(async (error: unknown) => {
    await sweep(dir);
    throw error;
  });
  if (answer.how !== 'ended') await sweep(dir);
  return answer;
}

/** What a git that was ended leaves behind: half a pack takes room, a lock stops the next one. */
async function sweep(dir: string): Promise<void> {
  const packs = join(dir, 'objects/pack');
  const halves = (await readdir(packs).catch(() => [])).filter((name) => name.startsWith('tmp_'));
  await Promise.all([...halves.map((name) => join(packs, name)), join(dir, 'shallow.lock'), join(dir, `${HEAD}.lock`)].map(remove));
}

/** Puts packs together from time to time. That it fails costs room, and nothing else. */
async function tidy(git: Git, dir: string, signal: AbortSignal): Promise<void> {
  const names = await readdir(join(dir, 'objects/pack')).catch(() => []);
  if (names.filter((name) => name.endsWith('.pack')).length <= MOST_PACKS) return;
  await git.ask([`--git-dir=${dir}`, 'gc', '--quiet'], signal, GC_MS);
}
