import { ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { localClock } from './moment.ts';
import { readPlanFile } from './plan-file.ts';
import { print, printJson, screenOf } from './screen.ts';

export interface ShowFlags extends StackFlags {
  readonly json?: boolean;
}

/** `llmops show`: a generation by number, the newest without one, or a saved plan by path. */
export async function run(context: CliContext, flags: ShowFlags, args: readonly string[]): Promise<number> {
  const [what] = args;
  if (what !== undefined && !/^\d{1,9}$/.test(what)) await showPlan(what, context, flags);
  else await showGeneration(what === undefined ? null : Number(what), context, flags);
  return 0;
}

async function showGeneration(number: number | null, context: CliContext, flags: ShowFlags): Promise<void> {
  const { session } = await openSessionOrLast(context, flags);
  const { listGenerations, readGeneration, refuseTakenStack } = await import('../state/index.ts');
  await refuseTakenStack(session.stateDir, session.paths.file);
  const { stateDir, desired } = session;
  const generation = number === null ? ((await listGenerations(stateDir))[0] ?? null) : await readGeneration(stateDir, number);
  if (generation === null) {
    throw new ProblemError({
      code: 'no-generation',
      summary: number === null ? `Nothing of ${desired.stack} was applied yet.` : `There is no generation ${number} of ${desired.stack}.`,
      fix: number === null ? 'The first: llmops apply' : 'See which there are: llmops history',
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
