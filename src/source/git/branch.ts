import { ProblemError } from '../../domain/problem.ts';
import { isGood, type Git } from './git.ts';
import type { Remote } from './remote.ts';
import { plain } from './words.ts';

const LOOK_MS = 10_000;

/** What no name of a branch may hold. Source: https://git-scm.com/docs/git-check-ref-format */
const NOT_IN_A_NAME = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|(?:^|\/)\.|\.(?:lock)?(?:\/|$)|\.lock(?:\/|$)|^[-/]|\/$|^@$|^$/;

/** Throws a ProblemError `git-branch-name`. */
export function checkBranch(branch: string): void {
  if (!NOT_IN_A_NAME.test(branch)) return;
  throw new ProblemError({
    code: 'git-branch-name',
    summary: `${branch === '' ? 'An empty text' : plain(branch, 80)} is no name of a branch.`,
    fix: 'Write the name as `git branch` lists it: main',
  });
}

/**
 * The commit that the branch of the remote is at: one question for one name. Throws a ProblemError `git-unavailable` or
 * `git-branch-gone`, and the signal's reason.
 */
export async function headOf(git: Git, remote: Remote, branch: string, signal: AbortSignal): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const answer = await git.ask(['ls-remote', '--quiet', '--', remote.url, ref], signal, LOOK_MS);
  if (!isGood(answer)) throw unavailable(remote, git.why(answer, LOOK_MS));
  const line = answer.stdout.split('\n').find((one) => one.split('\t')[1] === ref);
  if (line === undefined) throw branchGone(remote, branch);
  return line.split('\t')[0] as string;
}

/** `reason`: on one line and free of secrets. */
export function unavailable(remote: Remote, reason: string): ProblemError {
  return new ProblemError({
    code: 'git-unavailable',
    summary: `The repository ${remote.shown} cannot be asked: ${reason}.`,
    fix: fixOf(reason, remote),
  });
}

function fixOf(reason: string, { login, url }: Remote): string {
  if (login.length > 0 && /\b30[12378]\b/.test(reason))
    return 'It lies at another address now; name that one, since a secret is sent to no other.';
  if (/permission denied|authentication failed|could not read (?:username|password)|\b40[13]\b|access denied/i.test(reason))
    return /^https?:/.test(url)
      ? 'Set LLMOPS_GIT_TOKEN, or let one of git’s credential helpers know the password; nobody can be asked for it here.'
      : 'Give the SSH agent of this process, or ~/.ssh/config, a key that may read it; nobody can be asked for a passphrase here.';
  if (/host key verification/i.test(reason)) return 'Log in there once with ssh, compare the fingerprint, and let ssh remember the host.';
  if (/dubious ownership/i.test(reason)) return 'Tell git to trust it: git config --global --add safe.directory FOLDER';
  return 'It is asked again by itself. Until then the last state that was seen counts on.';
}

function branchGone(remote: Remote, branch: string): ProblemError {
  return new ProblemError({
    code: 'git-branch-gone',
    summary: `The repository ${remote.shown} has no branch ${plain(branch)}.`,
    fix: 'Push the branch again, or name another one. Until then the last state that was seen counts on.',
  });
}
