import { ProblemError } from '../../domain/problem.ts';
import { fixOf } from './fix.ts';
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

/** Git says this wherever it would ask somebody, also about a login that was just refused. */
const PROMPT = /could not read (?:username|password) for '[^']*': terminal prompts disabled/i;

/** `said`: by git, on one line and free of secrets. */
export function unavailable(remote: Remote, said: string): ProblemError {
  const reason = said.replace(
    PROMPT,
    remote.login.length > 0 ? 'it does not take the login that it is given' : 'it wants a login, and was given none',
  );
  return new ProblemError({
    code: 'git-unavailable',
    summary: `The repository ${remote.shown} cannot be asked: ${reason.replace(/\.+$/, '')}.`,
    fix: fixOf(reason, remote),
  });
}

function branchGone(remote: Remote, branch: string): ProblemError {
  return new ProblemError({
    code: 'git-branch-gone',
    summary: `The repository ${remote.shown} has no branch ${plain(branch)}.`,
    fix: 'Push the branch again, or name another one; or see that the address is that of the repository.',
  });
}
