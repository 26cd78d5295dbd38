import type { Event } from '../domain/event.ts';
import { foldProgress, heartbeatLine, NO_PROGRESS, progressLines, renderEventLine, wrapText, type Progress } from '../render/index.ts';
import type { CliContext, StackFlags } from './context.ts';
import { screenOf } from './screen.ts';

/** Tells on stderr what happens while an apply runs. */
export interface Live {
  readonly event: (event: Event) => void;
  /** A line that stays on the screen. */
  note(text: string): void;
  /** Takes down what was drawn; what happened stays on the screen. */
  end(): void;
}

/** A heartbeat for whoever reads a log instead of a screen, in milliseconds. */
const HEARTBEAT_MS = 10_000;
const FRAME_MS = 100;

/** On a terminal a picture that is redrawn below what has happened; elsewhere lines. */
export function liveEvents(context: CliContext, flags: StackFlags): Live {
  const dumb = !context.stderr.isTTY || context.env['TERM'] === 'dumb' || context.env['LLMOPS_IN_AUTOMATION'];
  return dumb ? lines(context, flags) : picture(context, flags);
}

/** A line an event, and one in 10 s of silence that says what is waited for. */
function lines(context: CliContext, flags: StackFlags): Live {
  // Each event stays on one line, however wide that is.
  const screen = { ...screenOf(context.stderr, context, flags), width: Infinity };
  let progress: Progress = NO_PROGRESS;
  const say = (text: string) => {
    if (text === '') return;
    context.stderr.write(`${text}\n`);
    timer.refresh();
  };
  const timer = setInterval(() => say(heartbeatLine(progress, { ...screen, now: context.now() })), HEARTBEAT_MS);
  return {
    event(event) {
      const news = !isProgress(event) && isNews(event, progress);
      progress = foldProgress(progress, event);
      if (news) say(renderEventLine(event, screen));
    },
    note: say,
    end: () => clearInterval(timer),
  };
}

/** Ended steps as lines; under them, redrawn, what is in flight. */
function picture(context: CliContext, flags: StackFlags): Live {
  const canvas = makeCanvas(context.stderr);
  const screen = () => screenOf(context.stderr, context, flags);
  let progress: Progress = NO_PROGRESS;
  const rows = () => {
    const { color, width } = screen();
    // A column stays free: a full line makes some terminals wrap. A terminal that knows no size says 0 rows.
    return progressLines(progress, { color, width: width - 1, height: Math.max(1, (context.stderr.rows || 24) - 2), now: context.now() });
  };
  const timer = setInterval(() => canvas.draw(rows()), FRAME_MS);
  return {
    event(event) {
      const silent = event.type === 'step.started' || isProgress(event) || event.type === 'run.finished';
      const news = !silent && isNews(event, progress);
      progress = foldProgress(progress, event);
      if (!news) return;
      canvas.say(renderEventLine(event, screen()), rows());
    },
    note: (text) => canvas.say(wrapText(text, screen().width), rows()),
    end() {
      clearInterval(timer);
      canvas.draw([]);
    },
  };
}

/** Comes many times a step: it moves the picture, and the heartbeat of a log. */
function isProgress({ type }: Event): boolean {
  return type === 'step.waiting' || type === 'step.transfer';
}

/** Steps that never began are told in the result, once; here is what happens. */
function isNews(event: Event, before: Progress): boolean {
  return event.type !== 'step.skipped' || before.active.some(({ step }) => step === event.step);
}

interface Canvas {
  /** Replaces the picture. */
  draw(rows: readonly string[]): void;
  /** Prints a line that stays, above the picture. */
  say(line: string, rows: readonly string[]): void;
}

/** Each change is one write, so that nothing flickers. Rows are cleared whole: what is cleared at their ends alone is reflowed as if it were text. */
function makeCanvas(stream: NodeJS.WriteStream): Canvas {
  let drawn: readonly string[] = [];
  const replace = (kept: string, rows: readonly string[]) => {
    const up = heightOf(drawn, stream.columns);
    drawn = rows;
    stream.write(`${up > 0 ? `\u001b[${up}A\r\u001b[J` : ''}${kept}${rows.map((row) => `${row}\n`).join('')}`);
  };
  return {
    draw: (rows) => {
      if (rows.join('\n') !== drawn.join('\n')) replace('', rows);
    },
    say: (line, rows) => replace(`${line}\n`, rows),
  };
}

/** Rows that lines take now: a window that was made narrower since has wrapped them. */
function heightOf(rows: readonly string[], columns: number | undefined): number {
  const widths = rows.map((row) => row.replace(/\u001b\[[0-9;]*m/g, '').length);
  return widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / (columns || 80))), 0);
}
