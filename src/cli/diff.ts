import { hasChanges } from '../domain/plan.ts';
import { errorsIn, ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { printProblems, reportFailure } from './failure.ts';
import { print, screenOf } from './screen.ts';
import { openSession, type Session } from '../stack/session.ts';
import { planFor, survey, type PlanFlags } from '../stack/survey.ts';

export interface DiffFlags extends StackFlags, PlanFlags {
  readonly observeTimeout: number;
}

const SAME = 0;
const DIFFERENT = 1;
const TROUBLE = 2;

/** `llmops diff`: desired against observed; `diff 3 4`: one generation's file against another's. Exit codes of diff(1). */
export async function run(context: CliContext, flags: DiffFlags, args: readonly string[]): Promise<number> {
  try {
    return args.length === 0 ? await diffWorld(context, flags) : await diffGenerations(context, flags, args);
  } catch (error) {
    if (context.signalExitCode() !== null) throw error;
    await reportFailure(error, context, flags.color === false ? ['--no-color'] : []);
    return TROUBLE;
  }
}

/** What cannot be compared (an engine that does not answer, weights that are missing) is trouble, not a difference. */
async function diffWorld(context: CliContext, flags: DiffFlags): Promise<number> {
  const session = await openSession(context, flags);
  const seen = await survey(session, context, flags.observeTimeout);
  const plan = await planFor(session, seen, 'apply', { ...flags, allowDestroy: true });
  const { renderDiffText } = await import('../render/index.ts');
  await print(context.stdout, renderDiffText(plan, screenOf(context.stdout, context, flags)));
  const errors = errorsIn(plan.problems);
  await printProblems(errors, context, flags);
  if (errors.length > 0 || plan.summary.blocked > 0) return TROUBLE;
  return hasChanges(plan) ? DIFFERENT : SAME;
}

async function diffGenerations(context: CliContext, flags: DiffFlags, args: readonly string[]): Promise<number> {
  const [from = '', to] = args;
  const session = await openSession(context, flags);
  const { refuseTakenStack } = await import('../state/index.ts');
  await refuseTakenStack(session.stateDir, session.paths.file);
  const before = await textOf(session, from);
  const after = to === undefined ? session.text : await textOf(session, to);
  const { renderTextDiff } = await import('../render/index.ts');
  const names = { before: `generation ${from}`, after: to === undefined ? session.paths.shown : `generation ${to}` };
  await print(context.stdout, renderTextDiff(before, after, { ...names, ...screenOf(context.stdout, context, flags) }));
  return before === after ? SAME : DIFFERENT;
}

async function textOf(session: Session, number: string): Promise<string> {
  const { readGeneration } = await import('../state/index.ts');
  const generation = /^\d{1,9}$/.test(number) ? await readGeneration(session.stateDir, Number(number)) : null;
  if (generation) return generation.source.text;
  throw new ProblemError({
    code: 'no-generation',
    summary: `There is no generation ${number} of ${session.desired.stack}.`,
    fix: 'See which there are: llmops history',
  });
}
