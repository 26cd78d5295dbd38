import { ProblemError } from '../domain/problem.ts';
import { hasChanges } from '../domain/plan.ts';
import type { CliContext, StackFlags } from './context.ts';
import { print, screenOf } from './screen.ts';
import { openSession } from './session.ts';
import { planFor, survey, type PlanFlags } from './survey.ts';

export interface DiffFlags extends StackFlags, PlanFlags {
  readonly observeTimeout: number;
}

/** `llmops diff`: desired against observed; `diff 3 4`: one generation's file against another's. Exit codes of diff(1): 0 same, 1 different, 2 trouble. */
export async function run(context: CliContext, flags: DiffFlags, args: readonly string[]): Promise<number> {
  try {
    return args.length === 0 ? await diffWorld(context, flags) : await diffGenerations(context, flags, args);
  } catch (error) {
    const { reportFailure } = await import('./failure.ts');
    await reportFailure(error, context, flags.color === false ? ['--no-color'] : []);
    return 2;
  }
}

async function diffWorld(context: CliContext, flags: DiffFlags): Promise<number> {
  const session = await openSession(context, flags);
  const seen = await survey(session, context, { observeTimeout: flags.observeTimeout });
  const plan = await planFor(session, seen, 'apply', { ...flags, allowDestroy: true });
  const { renderDiffText } = await import('../render/index.ts');
  await print(context.stdout, renderDiffText(plan, screenOf(context.stdout, context, flags)));
  return hasChanges(plan) || plan.summary.blocked > 0 ? 1 : 0;
}

async function diffGenerations(context: CliContext, flags: DiffFlags, args: readonly string[]): Promise<number> {
  const session = await openSession(context, flags);
  const { readGeneration } = await import('../state/index.ts');
  const read = async (text: string) => {
    const number = Number(text);
    const generation = Number.isSafeInteger(number) ? await readGeneration(session.stateDir, number) : null;
    if (generation) return generation.source.text;
    throw new ProblemError({ code: 'no-generation', summary: `There is no generation ${text} of ${session.desired.stack}.`, fix: 'See which there are: llmops history' });
  };
  const before = await read(args[0] as string);
  const after = args[1] === undefined ? session.text : await read(args[1]);
  const { renderTextDiff } = await import('../render/index.ts');
  const names = { before: `generation ${args[0]}`, after: args[1] === undefined ? session.paths.shown : `generation ${args[1]}` };
  const text = renderTextDiff(before, after, { ...names, ...screenOf(context.stdout, context, flags) });
  await print(context.stdout, text);
  return before === after ? 0 : 1;
}
