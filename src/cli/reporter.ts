import type { Event } from '../domain/event.ts';
import type { Plan } from '../domain/plan.ts';
import type { ApplyResult } from '../apply/index.ts';
import type { CliContext, StackFlags } from './context.ts';
import { print, printJson, screenOf } from './screen.ts';
import type { Session } from './session.ts';

/** How an apply is told: the plan and the result on stdout, what happens in between on stderr; or all of it as JSON records on stdout. */
export interface Reporter {
  plan(plan: Plan, session: Session): Promise<void>;
  readonly event: (event: Event) => void;
  result(result: ApplyResult, plan: Plan): Promise<void>;
}

/** A heartbeat for whoever reads a log instead of a screen, in milliseconds. */
const HEARTBEAT_MS = 10_000;

/** The reporter that fits the flags and the screen. */
export async function reporter(context: CliContext, flags: StackFlags & { readonly json?: boolean }): Promise<Reporter> {
  const render = await import('../render/index.ts');
  if (flags.json) return jsonReporter(context, render);
  const out = screenOf(context.stdout, context, flags);
  const live = await liveEvents(context, flags);
  return {
    plan: (plan) => print(context.stdout, render.renderPlanText(plan, { ...out, now: context.now() })),
    event: live.event,
    async result(result, plan) {
      live.end();
      await print(context.stdout, `\n${render.renderApplyResult(result, { ...out, plan })}`);
    },
  };
}

function jsonReporter(context: CliContext, render: typeof import('../render/index.ts')): Reporter {
  return {
    async plan(plan) {
      await printJson(context.stdout, { type: 'version', format: '1.0' });
      await printJson(context.stdout, { type: 'plan', plan: render.planDocument(plan) });
    },
    event: (event) => void printJson(context.stdout, event),
    result: (result) => printJson(context.stdout, { type: 'result', outcome: result.outcome, generation: result.generation, steps: result.steps }),
  };
}

interface Live {
  readonly event: (event: Event) => void;
  end(): void;
}

/** On a terminal a picture that is redrawn; elsewhere a line an event, and one every 10 s while a wait lasts. */
async function liveEvents(context: CliContext, flags: StackFlags): Promise<Live> {
  const screen = screenOf(context.stderr, context, flags);
  const { renderEventLine } = await import('../render/index.ts');
  const lastLine = new Map<string, number>();
  return {
    event(event) {
      if (event.type === 'step.waiting') {
        const now = performance.now();
        if (now - (lastLine.get(event.step) ?? now - HEARTBEAT_MS + 2000) < HEARTBEAT_MS) return;
        lastLine.set(event.step, now);
      }
      const line = renderEventLine(event, { color: screen.color });
      if (line) context.stderr.write(`${line}\n`);
    },
    end: () => undefined,
  };
}
