import type { Event } from '../domain/event.ts';
import { foldProgress, NO_PROGRESS, progressLines, renderEventLine, type Progress } from '../render/index.ts';
import type { CliContext, StackFlags } from './context.ts';
import { screenOf, type Screen } from './screen.ts';

/** Tells on stderr what happens while an apply runs. */
export interface Live {
  readonly event: (event: Event) => void;
  /** Takes down what was drawn; what happened stays on the screen. */
  end(): void;
}

/** A heartbeat for whoever reads a log instead of a screen, in milliseconds. */
const HEARTBEAT_MS = 10_000;
const FRAME_MS = 100;

/** On a terminal a picture that is redrawn below what has happened; elsewhere lines. */
export function liveEvents(context: CliContext, flags: StackFlags): Live {
  const screen = screenOf(context.stderr, context, flags);
  const dumb = !context.stderr.isTTY || context.env['TERM'] === 'dumb' || context.env['LLMOPS_IN_AUTOMATION'];
  return dumb ? lines(context, screen) : picture(context, screen);
}

/** A line an event, and one every 10 s while a wait lasts. */
function lines(context: CliContext, screen: Screen): Live {
  const spoken = new Map<string, number>();
  return {
    event(event) {
      if (event.type === 'step.started') spoken.set(event.step, performance.now());
      if (event.type === 'step.waiting') {
        const now = performance.now();
        if (now - (spoken.get(event.step) ?? now) < HEARTBEAT_MS) return;
        spoken.set(event.step, now);
      }
      context.stderr.write(`${renderEventLine(event, screen)}\n`);
    },
    end: () => undefined,
  };
}

/** Ended steps as lines; under them, redrawn, what is in flight. */
function picture(context: CliContext, screen: Screen): Live {
  const stream = context.stderr;
  let progress: Progress = NO_PROGRESS;
  let drawn = 0;
  const erase = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const draw = () => {
    const rows = progressLines(progress, { ...screen, height: Math.max(1, (stream.rows ?? 24) - 2), now: context.now() });
    erase();
    if (rows.length > 0) stream.write(`${rows.join('\n')}\n`);
    drawn = rows.length;
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    event(event) {
      progress = foldProgress(progress, event);
      if (event.type === 'step.started' || event.type === 'step.waiting' || event.type === 'run.finished') return;
      erase();
      stream.write(`${renderEventLine(event, screen)}\n`);
      draw();
    },
    end() {
      clearInterval(timer);
      erase();
    },
  };
}
