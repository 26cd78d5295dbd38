import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Generation } from '../domain/generation.ts';
import { errorsIn, problemOf, type Problem } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { printProblems } from './failure.ts';
import { cacheDirOf, pathIn, stackPaths, stateHomeOf, type StackPaths } from './paths.ts';
import { checkText } from './read-stack.ts';
import { InvalidConfigError, openSession, type Session } from './session.ts';

/** A session, and what was wrong with the file if it had to be opened without it. */
export interface OpenedSession {
  readonly session: Session;
  /** Null: the file is as it should be. Else the session is that of the last generation. */
  readonly fileProblems: readonly Problem[] | null;
}

/** What a file can have that does not keep its models from being looked at and ended. */
const FILE_PROBLEMS = new Set(['no-stack-file', 'no-folder', 'unreadable-stack-file']);

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

/** True for errors of llmops.yaml itself: it is gone, or not valid. */
export function isOfFile(error: unknown): boolean {
  return error instanceof InvalidConfigError || FILE_PROBLEMS.has(problemOf(error).code);
}

interface Last {
  readonly session: Session;
  readonly generation: Generation;
}

async function lastSession(context: CliContext, flags: StackFlags): Promise<Last | null> {
  const paths = stackPaths(context, flags);
  const stateDir = await stateOfFile(context, flags, paths.file);
  if (stateDir === null) return null;
  const { listGenerations } = await import('../state/index.ts');
  for (const generation of await listGenerations(stateDir)) {
    const session = await sessionOfGeneration(generation, { paths, stateDir, context });
    // Another version of llmops may have written it; an older one may then still be understood.
    if (session) return { generation, session };
  }
  return null;
}

/** Where a generation's file and state lie. */
export interface Whereabouts {
  readonly paths: StackPaths;
  readonly stateDir: string;
  readonly context: CliContext;
}

/** The stack as a generation declared it; null: its text is not understood. */
export async function sessionOfGeneration(generation: Generation, { paths, stateDir, context }: Whereabouts): Promise<Session | null> {
  const { text, desired } = await checkText(paths, Buffer.from(generation.source.text), generation.environment);
  if (!desired) return null;
  const backends = await context.backends();
  // Named as it was, whatever the folder is called now.
  const named = { ...desired, stack: generation.stack };
  return { paths, text, desired: named, warnings: [], stateDir, cacheDir: cacheDirOf(context), backends };
}

/** The state that belongs to a file, found without reading the file, as its stack's name stands in there. `--state-dir` says it outright. */
async function stateOfFile(context: CliContext, flags: StackFlags, file: string): Promise<string | null> {
  if (flags.stateDir) return pathIn(context, flags, flags.stateDir);
  const home = stateHomeOf(context);
  const { belongsTo } = await import('../state/index.ts');
  for (const folder of (await listed(home)).map((name) => join(home, name)))
    if (await belongsTo(folder, file).catch(() => false)) return folder;
  return null;
}

async function listed(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

function goingBy({ session, generation }: Last): Problem {
  return {
    severity: 'warning',
    code: 'by-last-generation',
    summary: `${session.paths.shown} cannot be used, so this goes by what was last applied: generation ${generation.number} of ${generation.stack}, begun ${generation.startedAt}.`,
    fix: 'Mend the file; `llmops validate` shows every mistake in it.',
  };
}
