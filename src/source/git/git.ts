import { askProgram, type Answer } from '../../programs/index.ts';
import { ProblemError } from '../../domain/problem.ts';
import type { Env } from './environment.ts';
import { plain, reasonOf, type Redact } from './words.ts';

/** Of git's answers as text; what a file holds comes another way. */
const LIMIT_BYTES = 4 * 2 ** 20;

/** For a question that only the disk has to answer. Milliseconds. */
export const LOCAL_MS = 10_000;

/** A git that does what it is told with the settings of one source. */
export interface Git {
  /** Never rejects, except with the signal's reason once that is aborted. */
  ask(args: readonly string[], signal: AbortSignal, deadlineMs?: number): Promise<Answer>;
  /** Why it failed, on one line and free of secrets. */
  why(answer: Answer, deadlineMs?: number): string;
}

/** `cwd` lies in no repository as far as git may look. Throws a ProblemError `git-missing` from `ask` where there is no git. */
export function gitIn(cwd: string, env: Env, redact: Redact): Git {
  return {
    async ask(args, signal, deadlineMs = LOCAL_MS) {
      const answer = await askProgram({ file: 'git', args, env, cwd, signal, deadlineMs, limitBytes: LIMIT_BYTES, leashed: true });
      signal.throwIfAborted();
      if (answer.how === 'not-started') throw noGit();
      return answer;
    },
    why: (answer, deadlineMs = LOCAL_MS) => plain(redact(reasonOf(answer, deadlineMs))),
  };
}

/** There is no git to ask. */
export function noGit(): ProblemError {
  return new ProblemError({
    code: 'git-missing',
    summary: 'git could not be started.',
    fix: 'Install git 2.34 or newer, and see that it is on the PATH of this process.',
  });
}

/** True if it ended by itself, and well. */
export const isGood = (answer: Answer): boolean => answer.how === 'ended' && answer.code === 0;
