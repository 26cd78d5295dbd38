import { ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { localClock } from './moment.ts';
import { readPlanFile } from './plan-file.ts';
import { print, printJson, screenOf } from './screen.ts';

export interface ShowFlags extends StackFlags {
  readonly json?: boolean;
}

/** `llmops show`: a generation by number, or a saved plan by path. */
export async function run(context: CliContext, flags: ShowFlags, args: readonly string[]): Promise<number> {
  const [what = ''] = args;
  await (/^\d{1,9}$/.test(what) ? showGeneration(Number(what), context, flags) : showPlan(what, context, flags));
  return 0;
}

async function showGeneration(number: number, context: CliContext, flags: ShowFlags): Promise<void> {
  const { session } = await openSessionOrLast(context, flags);
  const { readGeneration, refuseTakenStack } = await import('../state/index.ts');
  await refuseTakenStack(session.stateDir, session.paths.file);
  const generation = await readGeneration(session.stateDir, number);
  if (!generation) {
    throw new ProblemError({
      code: 'no-generation',
      summary: `There is no generation ${number} of ${session.desired.stack}.`,
      fix: 'See which there are: llmops history',
    });
  }
  if (flags.json) return printJson(context.stdout, generation);
  const { renderGenerationText } = await import('../render/index.ts');
  await print(context.stdout, renderGenerationText(generation, { ...looks(context, flags), clock: localClock }));
}

async function showPlan(path: string, context: CliContext, flags: ShowFlags): Promise<void> {
  const saved = await readPlanFile(path, context, flags);
  if (!saved) {
    throw new ProblemError({
      code: 'not-a-plan-file',
      summary: `${path} is not a saved plan.`,
      fix: 'Name a generation (llmops history) or a file made by `llmops plan --out FILE`.',
    });
  }
  const { planDocument, renderPlanText } = await import('../render/index.ts');
  if (flags.json) return printJson(context.stdout, planDocument(saved.plan));
  await print(context.stdout, renderPlanText(saved.plan, looks(context, flags)));
}

function looks(context: CliContext, flags: ShowFlags) {
  return { ...screenOf(context.stdout, context, flags), now: context.now() };
}
