import { problemOf, type Problem } from '../domain/problem.ts';
import type { CliContext } from './context.ts';
import { exitCodeOf, failure } from './exit.ts';
import { print, screenOf } from './screen.ts';

/** Says on stderr what went wrong and gives the exit code for it. */
export async function reportFailure(error: unknown, context: CliContext, argv: readonly string[]): Promise<number> {
  const problem = problemOf(error);
  await printProblems([problem], context, { color: !argv.includes('--no-color') });
  if (problem.code === 'internal' && context.env['LLMOPS_LOG'] === 'debug' && error instanceof Error) await print(context.stderr, error.stack ?? '');
  return failure(exitCodeOf(problem.code), argv.some((arg) => /^--?detailed-exitcode$/.test(arg)));
}

/** Problems as people read them, on stderr. */
export async function printProblems(problems: readonly Problem[], context: CliContext, flags: { readonly color?: boolean }): Promise<void> {
  if (problems.length === 0) return;
  const { renderProblemsText } = await import('../render/problems.ts');
  await print(context.stderr, renderProblemsText(problems, { color: screenOf(context.stderr, context, flags).color }));
}
