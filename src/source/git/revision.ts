import { isAbsolute, posix } from 'node:path';
import { ProblemError } from '../../domain/problem.ts';
import type { CommitWords, Revision } from '../types.ts';
import { MirrorDamaged, type Mirror } from './mirror.ts';
import { MOST_LOCK_BYTES, MOST_TEXT_BYTES, short, type ReadFile } from './tree.ts';
import { plain } from './words.ts';

/** Where the stack lies in the repository. */
export interface Stack {
  /** `stacks/home/llmops.yaml` */
  readonly path: string;
  /** What people know the branch as: `main of ssh://git@host/models`. */
  readonly shown: string;
}

/** Nobody aborts a file that is read later: the deadlines of git end it. */
const NEVER = new AbortController().signal;

/** The state of the stack in a commit. Throws a ProblemError `git-no-stack-file` or as `ReadFile`, and MirrorDamaged. */
export async function revisionOf(
  mirror: Mirror,
  readFile: ReadFile,
  stack: Stack,
  commit: string,
  signal: AbortSignal,
): Promise<Omit<Revision, 'about'> & { readonly words: Omit<CommitWords, 'signer'> }> {
  const text = await readFile(commit, stack.path, MOST_TEXT_BYTES, signal);
  if (text === null) throw noStackFile(commit, stack);
  const lock = await readFile(commit, lockPathOf(stack.path), MOST_LOCK_BYTES, signal);
  const words = await wordsOf(mirror, commit, signal);
  const read = async (path: string): Promise<Buffer | null> => {
    try {
      return await readFile(commit, within(posix.dirname(stack.path), path), MOST_TEXT_BYTES, NEVER);
    } catch (error) {
      throw error instanceof MirrorDamaged ? gone(commit, path) : error;
    }
  };
  return { id: commit, commit, words, text, lock, read };
}

/** The lock that belongs to a stack's file, beside it, as it is named on disk. */
const lockPathOf = (path: string): string => `${path.replace(/\.ya?ml$/i, '')}.lock`;

/** `folder` is where llmops.yaml lies. Throws a ProblemError `git-path-outside`: what lies elsewhere is not part of the stack. */
function within(folder: string, path: string): string {
  const full = posix.join(folder, path);
  const near = posix.relative(folder, full);
  if (path !== '' && !path.includes('\0') && !isAbsolute(path) && near !== '' && !/^\.\.(?:\/|$)/.test(near)) return full;
  throw new ProblemError({
    code: 'git-path-outside',
    summary: `${plain(path)} lies outside the folder of llmops.yaml, so it is not read from the repository.`,
    fix: 'Put the file into the folder of llmops.yaml, or below it.',
  });
}

/** One line each, so that no message of a commit can pretend to be another one. */
async function wordsOf(mirror: Mirror, commit: string, signal: AbortSignal): Promise<Omit<CommitWords, 'signer'>> {
  const format = '%<(200,trunc)%s%x00%<(100,trunc)%an%x00%<(100,trunc)%ae%x00%cI';
  const said = await mirror.text(
    ['log', '-1', '--no-show-signature', '--no-color', '--encoding=UTF-8', `--format=${format}`, commit, '--'],
    signal,
  );
  const [subject = '', name = '', mail = '', at = ''] = said.split('\0').map((part) => plain(part));
  return { subject, author: `${name} <${mail}>`, at };
}

function noStackFile(commit: string, { path, shown }: Stack): ProblemError {
  return new ProblemError({
    code: 'git-no-stack-file',
    summary: `Commit ${short(commit)} (${shown}) has no ${plain(path)}.`,
    fix: 'Commit the file there, or start llmops with the file that the repository has.',
  });
}

function gone(commit: string, path: string): ProblemError {
  return new ProblemError({
    code: 'git-file-unreadable',
    summary: `${plain(path)} of commit ${short(commit)} can no longer be read from the mirror of the repository.`,
    fix: 'Look at the source again, which fetches what is missing.',
  });
}
