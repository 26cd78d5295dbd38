import type { Event } from '../domain/event.ts';
import { duration } from './format/units.ts';
import { share } from './event.ts';
import { totalOf, transferWords, withTransfer, type Transfer } from './transfer.ts';
import type { Looks } from './text/page.ts';
import type { Line } from './text/lines.ts';
import { line, paint, span } from './text/lines.ts';
import { keepEnd, keepStart, padEnd, textWidth } from './text/width.ts';

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
  readonly transfers: readonly Transfer[];
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
      const begun = { step, op, model, since: event.at, deadlineMs, message: '', done: null, total: null, transfers: [] };
      return { ...progress, active: [...progress.active, begun] };
    }
    case 'step.transfer':
      return change(progress, event.step, (one) => ({ ...one, transfers: withTransfer(one.transfers, event) }));
    case 'step.waiting': {
      const { message, done, total } = event;
      return change(progress, event.step, (one) => ({ ...one, message, done, total }));
    }
    case 'run.finished':
      return { ...progress, active: [] };
    default:
      return { ...progress, ended: progress.ended + 1, active: progress.active.filter((one) => one.step !== event.step) };
  }
}

function change(progress: Progress, step: string, next: (one: ActiveStep) => ActiveStep): Progress {
  return { ...progress, active: progress.active.map((one) => (one.step === step ? next(one) : one)) };
}

/** For whoever reads a log: how far it is, and what has been waited for longest. Empty when nothing is in flight. */
export function heartbeatLine(progress: Progress, looks: { readonly color: boolean; readonly now: string }): string {
  const [one, ...others] = progress.active;
  if (one === undefined) return '';
  const elapsed = Math.max(0, Date.parse(looks.now) - Date.parse(one.since));
  const transfer = totalOf(one.transfers);
  const message = one.message === '' ? '' : `${one.message}${share(one.done, one.total)}`;
  const moved = transfer === null ? '' : `${transfer.file}, ${transferWords(transfer)}`;
  const said = [moved, message]
    .filter((words) => words !== '')
    .map((words, index) => `${index === 0 ? ': ' : '; '}${words}`)
    .join('');
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const row = line(
    span(`· ${progress.ended} of ${progress.steps} steps done; `, 'quiet'),
    span(`${one.op} ${one.model}`, 'strong'),
    `, ${duration(elapsed)}${transfer === null ? ` of ${duration(one.deadlineMs)}` : ''}${said}${more}`,
  );
  return paint(row, looks.color);
}

const BAR = 20;
/** Beside bytes, rate and time left, which must all stand in 80 columns. */
const SHORT_BAR = 10;
/** Beside a file's name as well. */
const FILE_BAR = 6;

/**
 * The lines to draw now; none when nothing is in flight. Each is cut at `width`, never wrapped, so that a caller can
 * move the cursor up by their number. At most `height` lines.
 */
export function progressLines(progress: Progress, looks: Looks & { readonly height: number; readonly now: string }): readonly string[] {
  if (progress.active.length === 0) return [];
  const room = Math.max(1, looks.height - 2);
  const shown = progress.active.slice(0, room);
  const widest = Math.min(30, Math.max(...shown.map((one) => textWidth(`${one.op} ${one.model}`))));
  const free = room - shown.length;
  const rows = shown.flatMap((one) => [activeLine(one, widest, looks.now), ...linesBelow(one, Math.floor(free / shown.length))]);
  const left = progress.active.length - shown.length;
  const more = left > 0 ? [line(span(`  … and ${left} more in flight`, 'quiet'))] : [];
  return [line(`${progress.ended} of ${progress.steps} steps done`), ...rows, ...more].map((row) =>
    paint(cut(row, looks.width), looks.color),
  );
}

function activeLine(one: ActiveStep, widest: number, now: string): Line {
  const head = line('  ', span('▸', 'note'), ' ', span(padEnd(keepStart(`${one.op} ${one.model}`, widest), widest), 'strong'), '  ');
  const transfer = totalOf(one.transfers);
  // How long a transfer may take says less than how long it will: there is no room for both.
  if (transfer !== null) return line(...head, transferRow(transfer, SHORT_BAR));
  const elapsed = Math.max(0, Date.parse(now) - Date.parse(one.since));
  const timing = `${duration(Math.floor(elapsed / 1000) * 1000)} of ${duration(one.deadlineMs)}`;
  return line(...head, span(padEnd(timing, 12), 'quiet'), '  ', messageWords(one));
}

function messageWords({ message, done, total }: ActiveStep): string {
  return total === null || done === null || total <= 0 ? `${message}${share(done, total)}` : `${bar(done / total, BAR)} ${message}`;
}

function transferRow(transfer: Transfer, length: number): string {
  const { done, total } = transfer;
  return `${total === null || total <= 0 ? '' : `${bar(done / total, length)}  `}${transferWords(transfer)}`;
}

/** What a step that moves files waits for, and its files, as far as there is room. */
function linesBelow(one: ActiveStep, room: number): readonly Line[] {
  const waits = one.transfers.length > 0 && one.message !== '' ? [line('    ', span(messageWords(one), 'quiet'))] : [];
  const said = waits.slice(0, room);
  return [...said, ...fileLines(one, room - said.length)];
}

/** A row for each file of a step that moves several, those that still move first; no more than there is room for. */
function fileLines({ transfers }: ActiveStep, room: number): readonly Line[] {
  if (transfers.length < 2) return [];
  const moving = transfers.toSorted((a, b) => Number(a.done === a.total) - Number(b.done === b.total)).slice(0, room);
  const widest = Math.min(22, Math.max(0, ...moving.map(({ file }) => textWidth(file))));
  return moving.map((each) => line('    ', span(padEnd(keepEnd(each.file, widest), widest), 'quiet'), '  ', transferRow(each, FILE_BAR)));
}

function bar(part: number, length: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * length);
  return `${'█'.repeat(filled)}${'░'.repeat(length - filled)} ${String(Math.floor(Math.min(1, Math.max(0, part)) * 100)).padStart(3)} %`;
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
