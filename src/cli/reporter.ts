import type { ApplyResult } from '../apply/index.ts';
import type { Event } from '../domain/event.ts';
import { hasChanges, type Plan } from '../domain/plan.ts';
import type { CliContext, StackFlags } from './context.ts';
import { printProblems } from './failure.ts';
import { liveEvents } from './live.ts';
import { print, printJson, screenOf } from './screen.ts';

/** How an apply is told: the plan and the result on stdout, what happens in between on stderr; or all of it as JSON records on stdout. */
export interface Reporter {
  plan(plan: Plan): Promise<void>;
  readonly event: (event: Event) => void;
  result(result: ApplyResult, plan: Plan): Promise<void>;
}

/** The reporter that fits the flags and the screen. */
export async function reporter(context: CliContext, flags: StackFlags & { readonly json?: boolean }): Promise<Reporter> {
  const render = await import('../render/index.ts');
  if (flags.json) return jsonReporter(context, render);
  const out = screenOf(context.stdout, context, flags);
  let live: ReturnType<typeof liveEvents> | null = null;
  return {
    async plan(plan) {
      await print(context.stdout, render.renderPlanText(plan, { ...out, now: context.now() }));
      if (hasChanges(plan)) await print(context.stdout, '\n');
    },
    event: (event) => (live ??= liveEvents(context, flags)).event(event),
    async result(result, plan) {
      live?.end();
      await print(context.stdout, `\n${render.renderApplyResult(result, { ...out, plan })}`);
      await printProblems(result.problems, context, flags);
    },
  };
}

/** One record a line: version, plan, every event, result. */
function jsonReporter(context: CliContext, render: typeof import('../render/index.ts')): Reporter {
  return {
    async plan(plan) {
      await printJson(context.stdout, { type: 'version', format: '1.0' });
      await printJson(context.stdout, { type: 'plan', plan: render.planDocument(plan) });
    },
    event: (event) => void printJson(context.stdout, event),
    result: ({ outcome, generation, steps, problems, ms }) => printJson(context.stdout, { type: 'result', outcome, generation, ms, steps, problems }),
  };
}
