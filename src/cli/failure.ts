import { problemOf, type Problem } from '../domain/problem.ts';
import type { CliContext } from './context.ts';
import { EXIT, exitCodeOf, failure } from './exit.ts';
import { localClock } from './moment.ts';
import { lineScreenOf, print } from './screen.ts';
import type { InvalidConfigError } from '../stack/session.ts';

/** Says on stderr what went wrong and gives the exit code for it. */
export async function reportFailure(error: unknown, context: CliContext, argv: readonly string[]): Promise<number> {
  const detailed = argv.some((arg) => /^--?detailed-exitcode$/.test(arg));
  const flags = { color: !argv.some((arg) => /^--?no-color$/.test(arg)) };
  if (error instanceof Error && error.name === 'InvalidConfigError') {
    await printProblems((error as InvalidConfigError).problems, context, flags);
    return failure(EXIT.invalidConfig, detailed);
  }
  const problem = problemOf(error);
  await printProblems([problem], context, flags);
  if (problem.code === 'internal' && context.env['LLMOPS_LOG'] === 'debug' && error instanceof Error)
    await print(context.stderr, error.stack ?? '');
  return failure(exitCodeOf(problem.code), detailed);
}

/** A signal ended a verb before it acted. */
export async function reportStopped(context: CliContext, code: number): Promise<number> {
  await print(context.stderr, '\nStopped. Nothing was changed.');
  return code;
}

/** Problems as people read them, on stderr. */
export async function printProblems(problems: readonly Problem[], context: CliContext, flags: { readonly color?: boolean }): Promise<void> {
  if (problems.length === 0) return;
  const [{ renderProblemsText }, { withClock }] = await Promise.all([import('../render/problems.ts'), import('../render/format/times.ts')]);
  const told = problems.map((problem) => ({ ...problem, summary: withClock(problem.summary, localClock) }));
  await print(context.stderr, renderProblemsText(told, lineScreenOf(context.stderr, context, flags)));
}
