import type { Event } from '../domain/event.ts';
import { duration } from './format/units.ts';
import { share } from './event.ts';
import type { Looks } from './text/page.ts';
import type { Line } from './text/lines.ts';
import { line, paint, span } from './text/lines.ts';
import { keepStart, padEnd, textWidth } from './text/width.ts';

/** What a live picture of a run shows: folded from events, drawn by whoever owns the terminal. */
export interface Progress {
  readonly steps: number;
  /** Steps that ended, however they did. */
  readonly ended: number;
  /** Steps in flight, in the order in which they began. */
  readonly active: readonly ActiveStep[];
}

export interface ActiveStep {
  readonly step: string;
  readonly op: string;
  readonly model: string;
  /** ISO 8601. */
  readonly since: string;
  readonly deadlineMs: number;
  readonly message: string;
  readonly done: number | null;
  readonly total: number | null;
}

/** Before the first event. */
export const NO_PROGRESS: Progress = { steps: 0, ended: 0, active: [] };

/** The picture after one more event. */
export function foldProgress(progress: Progress, event: Event): Progress {
  switch (event.type) {
    case 'run.started':
      return { steps: event.steps, ended: 0, active: [] };
    case 'step.started': {
      const { step, op, model, deadlineMs } = event;
      return {
        ...progress,
        active: [...progress.active, { step, op, model, since: event.at, deadlineMs, message: '', done: null, total: null }],
      };
    }
    case 'step.waiting': {
      const { message, done, total } = event;
      return { ...progress, active: progress.active.map((one) => (one.step === event.step ? { ...one, message, done, total } : one)) };
    }
    case 'run.finished':
      return { ...progress, active: [] };
    default:
      return { ...progress, ended: progress.ended + 1, active: progress.active.filter((one) => one.step !== event.step) };
  }
}

/** For whoever reads a log: how far it is, and what has been waited for longest. Empty when nothing is in flight. */
export function heartbeatLine(progress: Progress, looks: { readonly color: boolean; readonly now: string }): string {
  const [one, ...others] = progress.active;
  if (one === undefined) return '';
  const elapsed = Math.max(0, Date.parse(looks.now) - Date.parse(one.since));
  const said = one.message === '' ? '' : `: ${one.message}${share(one.done, one.total)}`;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const row = line(
    span(`· ${progress.ended} of ${progress.steps} steps done; `, 'quiet'),
    span(`${one.op} ${one.model}`, 'strong'),
    `, ${duration(elapsed)} of ${duration(one.deadlineMs)}${said}${more}`,
  );
  return paint(row, looks.color);
}

const BAR = 20;

/**
 * The lines to draw now; none when nothing is in flight. Each is cut at `width`, never wrapped, so that a caller can
 * move the cursor up by their number. At most `height` lines.
 */
export function progressLines(progress: Progress, looks: Looks & { readonly height: number; readonly now: string }): readonly string[] {
  if (progress.active.length === 0) return [];
  const room = Math.max(1, looks.height - 2);
  const shown = progress.active.slice(0, room);
  const widest = Math.min(30, Math.max(...shown.map((one) => textWidth(`${one.op} ${one.model}`))));
  const rows = shown.map((one) => activeLine(one, widest, looks.now));
  const left = progress.active.length - shown.length;
  const more = left > 0 ? [line(span(`  … and ${left} more in flight`, 'quiet'))] : [];
  return [line(`${progress.ended} of ${progress.steps} steps done`), ...rows, ...more].map((row) =>
    paint(cut(row, looks.width), looks.color),
  );
}

function activeLine(one: ActiveStep, widest: number, now: string): Line {
  const elapsed = Math.max(0, Date.parse(now) - Date.parse(one.since));
  const timing = `${duration(Math.floor(elapsed / 1000) * 1000)} of ${duration(one.deadlineMs)}`;
  const name = padEnd(keepStart(`${one.op} ${one.model}`, widest), widest);
  const message =
    one.total === null || one.done === null || one.total <= 0
      ? `${one.message}${share(one.done, one.total)}`
      : `${bar(one.done / one.total)} ${one.message}`;
  return line('  ', span('▸', 'note'), ' ', span(name, 'strong'), '  ', span(padEnd(timing, 12), 'quiet'), '  ', message);
}

function bar(part: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * BAR);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${String(Math.floor(Math.min(1, Math.max(0, part)) * 100)).padStart(3)} %`;
}

function cut(row: Line, width: number): Line {
  const kept: { text: string; tone: Line[number]['tone'] }[] = [];
  let left = width;
  for (const part of row) {
    if (left <= 0) break;
    kept.push({ text: keepStart(part.text, left), tone: part.tone });
    left -= textWidth(part.text);
  }
  return kept;
}
