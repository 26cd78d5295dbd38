import type { Event } from '../domain/event.ts';
import { transferWords } from './transfer.ts';
import { counted, duration } from './format/units.ts';
import type { Line, Span } from './text/lines.ts';
import { line, paint, span, wrap } from './text/lines.ts';
import type { Looks } from './text/page.ts';

/** One event, without a line feed at its end: a line for logs, on a terminal as many rows as it takes. */
export function renderEventLine(event: Event, { color, width }: Looks): string {
  const rows = wrap([span(`${clock(event.at)} `, 'quiet'), ...wordsOf(event)], width, HANG);
  return rows.map((row) => paint(row, color)).join('\n');
}

/** Below the words, beside the time and the sign. */
const HANG = '10:14:07 ✓ '.length;

/** `2026-03-02T10:14:07.123Z` -> `10:14:07`. */
function clock(at: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(at)?.[1] ?? at;
}

function wordsOf(event: Event): Line {
  switch (event.type) {
    case 'run.started':
      return line(
        span('▶', 'note'),
        ` ${event.mode} of ${event.stack} begins: ${counted(event.steps, 'step')} (revision ${event.revision.slice(0, 7)}, ${event.who})`,
      );
    case 'step.started':
      return line('▸ ', name(event), ` on ${event.backend}, at most ${duration(event.deadlineMs)}: ${event.cause}`);
    case 'step.waiting':
      return line('· ', span(`${event.model}`, 'strong'), `: ${event.message}${share(event.done, event.total)}`);
    case 'step.transfer':
      return line('· ', span(`${event.model}`, 'strong'), `: ${event.file}, ${transferWords(event)}`);
    case 'step.done':
      return line(span('✓ ', 'add'), name(event), `, ${duration(event.ms)}${event.note === undefined ? '' : `: ${event.note}`}`);
    case 'step.failed':
      return line(
        span('✗ ', 'remove'),
        name(event),
        ` failed after ${duration(event.ms)}: ${event.problem.summary} [${event.problem.code}]`,
      );
    case 'step.skipped':
      return line(span('- ', 'change'), name(event), ` skipped: ${event.because}`);
    case 'run.finished':
      return line(
        span('■', event.outcome === 'succeeded' ? 'add' : 'remove'),
        ` ended after ${duration(event.ms)}, ${event.outcome}: ${event.done} done, ${event.failed} failed, ${event.skipped} skipped`,
      );
  }
}

function name(event: { readonly op: string; readonly model: string }): Span {
  return span(`${event.op} ${event.model}`, 'strong');
}

/** ` (12 of 40)`, or nothing where the driver does not count. */
export function share(done: number | null, total: number | null): string {
  if (done === null) return '';
  return total === null ? ` (${done})` : ` (${done} of ${total})`;
}
