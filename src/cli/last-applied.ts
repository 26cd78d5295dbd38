import { errorsIn, problemOf, type Problem } from '../domain/problem.ts';
import { isOfFile, lastSession, type LastSession } from '../stack/last-session.ts';
import { InvalidConfigError, openSession, type Session } from '../stack/session.ts';
import type { CliContext, StackFlags } from './context.ts';
import { printProblems } from './failure.ts';

/** A session, and what was wrong with the file if it had to be opened without it. */
export interface OpenedSession {
  readonly session: Session;
  /** Null: the file is as it should be. Else the session is that of the last generation. */
  readonly fileProblems: readonly Problem[] | null;
}

/**
 * For verbs that look at or end what runs: a file that is gone or broken must not keep models running. The stack is then
 * taken as it was last applied, and stderr says so. Throws the file's own error if it was never applied.
 */
export async function openSessionOrLast(context: CliContext, flags: StackFlags): Promise<OpenedSession> {
  try {
    return { session: await openSession(context, flags), fileProblems: null };
  } catch (error) {
    const problems = error instanceof InvalidConfigError ? errorsIn(error.problems) : [problemOf(error)];
    const last = isOfFile(error) ? await lastSession(context, flags) : null;
    if (last === null) throw error;
    await printProblems([...problems, goingBy(last)], context, flags);
    return { session: last.session, fileProblems: problems };
  }
}

function goingBy({ session, generation }: LastSession): Problem {
  return {
    severity: 'warning',
    code: 'by-last-generation',
    summary: `${session.paths.shown} cannot be used, so this goes by what was last applied: generation ${generation.number} of ${generation.stack}, begun ${generation.startedAt}.`,
    fix: 'Mend the file; `llmops validate` shows every mistake in it.',
  };
}
