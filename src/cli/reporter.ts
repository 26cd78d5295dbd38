import type { ApplyResult } from '../apply/index.ts';
import type { Event, Outcome } from '../domain/event.ts';
import { blockingProblems, hasChanges, problemsInTheWay, type Plan } from '../domain/plan.ts';
import { problemOf, type Problem } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { printProblems } from './failure.ts';
import { liveEvents, type Live } from './live.ts';
import { print, printJson, screenOf } from './screen.ts';
import { InvalidConfigError } from '../stack/session.ts';

/** How an apply is told: the plan and the result on stdout, what happens in between on stderr; or all of it as JSON records on stdout. */
export interface Reporter {
  plan(plan: Plan): Promise<void>;
  readonly event: (event: Event) => void;
  /** Something for a person to know while steps are in flight. */
  readonly note: (text: string) => void;
  result(result: ApplyResult, plan: Plan): Promise<void>;
  /** Instead of a result: the plan holds nothing that may be done. */
  nothing(plan: Plan): Promise<void>;
  /** Instead of a result: it did not get as far as acting. The error itself is told elsewhere, on stderr. */
  failed(error: unknown): Promise<void>;
}

/** The reporter that fits the flags and the screen. */
export async function reporter(context: CliContext, flags: StackFlags & { readonly json?: boolean }): Promise<Reporter> {
  const render = await import('../render/index.ts');
  return flags.json ? jsonReporter(context, render) : textReporter(context, flags, render);
}

type Render = typeof import('../render/index.ts');

function textReporter(context: CliContext, flags: StackFlags, render: Render): Reporter {
  const looks = screenOf(context.stdout, context, flags);
  let live: Live | null = null;
  const living = () => (live ??= liveEvents(context, flags));
  return {
    async plan(plan) {
      await print(context.stdout, render.renderPlanText(plan, { ...looks, now: context.now() }));
      if (hasChanges(plan)) await print(context.stdout, '\n');
    },
    event: (event) => living().event(event),
    note: (text) => living().note(text),
    async result(result, plan) {
      live?.end();
      await print(context.stdout, `\n${render.renderApplyResult(result, { ...looks, plan })}`);
      await printProblems(result.problems, context, flags);
    },
    nothing: async (plan) => {
      const words = render.renderNothingDone(plan, looks);
      if (words !== '') await print(context.stdout, hasChanges(plan) ? words : `\n${words}`);
    },
    failed: async () => live?.end(),
  };
}

/** One record a line: version, plan, every event, result. The first is always the version, the last always a result. */
function jsonReporter(context: CliContext, render: Render): Reporter {
  let begun = false;
  const begin = async () => {
    if (!begun) await printJson(context.stdout, { type: 'version', format: '1.0' });
    begun = true;
  };
  const end = async (outcome: Outcome, problems: readonly Problem[]) => {
    await begin();
    await printJson(context.stdout, { type: 'result', outcome, generation: null, ms: 0, steps: [], problems });
  };
  return {
    async plan(plan) {
      await begin();
      await printJson(context.stdout, { type: 'plan', plan: render.planDocument(plan) });
    },
    event: (event) => void printJson(context.stdout, event),
    note: (text) => void context.stderr.write(`${text}\n`),
    result: ({ outcome, generation, ms, steps, problems }, { changes }) =>
      printJson(context.stdout, { type: 'result', outcome, generation, ms, steps, problems: [...problems, ...blockingProblems(changes)] }),
    nothing: (plan) => {
      const problems = problemsInTheWay(plan);
      return end(problems.length > 0 ? 'failed' : 'succeeded', problems);
    },
    failed: (error) => end(...whyNot(error, context)),
  };
}

function whyNot(error: unknown, context: CliContext): [Outcome, readonly Problem[]] {
  if (context.signal.aborted) return ['cancelled', []];
  if (error instanceof InvalidConfigError) return ['failed', error.problems];
  const problem = problemOf(error);
  return [problem.code === 'plan-stale' ? 'stale' : 'failed', [problem]];
}
