import { ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { readPlanFile } from './plan-file.ts';
import { print, printJson, screenOf } from './screen.ts';
import { openSession } from './session.ts';

/** `llmops show`: a generation by number, or a saved plan by path. */
export async function run(context: CliContext, flags: StackFlags & { readonly json?: boolean }, args: readonly string[]): Promise<number> {
  const what = args[0] as string;
  return /^\d+$/.test(what) ? showGeneration(Number(what), context, flags) : showPlan(what, context, flags);
}

async function showGeneration(number: number, context: CliContext, flags: StackFlags & { readonly json?: boolean }): Promise<number> {
  const session = await openSession(context, flags);
  const { readGeneration } = await import('../state/index.ts');
  const generation = await readGeneration(session.stateDir, number);
  if (!generation) {
    throw new ProblemError({ code: 'no-generation', summary: `There is no generation ${number} of ${session.desired.stack}.`, fix: 'See which there are: llmops history' });
  }
  const { renderGenerationText } = await import('../render/index.ts');
  if (flags.json) await printJson(context.stdout, generation);
  else await print(context.stdout, renderGenerationText(generation, { ...screenOf(context.stdout, context, flags), now: context.now() }));
  return 0;
}

async function showPlan(path: string, context: CliContext, flags: StackFlags & { readonly json?: boolean }): Promise<number> {
  const saved = await readPlanFile(path, context);
  if (!saved) throw new ProblemError({ code: 'not-a-plan-file', summary: `${path} is not a saved plan.`, fix: 'Name a generation (llmops history) or a file made by `llmops plan --out FILE`.' });
  const { planDocument, renderPlanText } = await import('../render/index.ts');
  if (flags.json) await printJson(context.stdout, planDocument(saved.plan));
  else await print(context.stdout, renderPlanText(saved.plan, { ...screenOf(context.stdout, context, flags), now: context.now() }));
  return 0;
}
