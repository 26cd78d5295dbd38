import type { DaemonEvent } from '../domain/daemon-event.ts';
import type { Event } from '../domain/event.ts';
import { withClock } from './format/times.ts';
import { duration } from './format/units.ts';
import { clean } from './text/clean.ts';
import { wrapText } from './text/lines.ts';

/**
 * One line for an event, with its end; of a run's steps only what they came to. Empty: nothing for people. `clock`: a time (ISO 8601)
 * as the reader's clock shows it. `width`: of the terminal, on which it takes as many rows as it has to. Reasons, subjects of commits and
 * words of engines are others': what a terminal would obey is written out.
 */
export function renderDaemonLine(event: DaemonEvent | Event, clock: (at: string) => string, width: number = Infinity): string {
  const at = clock(event.at);
  const told = wordsOf(event);
  if (told === null) return '';
  const [gap, words] = told;
  return `${wrapText(`${at}${gap}${withClock(words, clock)}`, width, at.length + gap.length)}\n`;
}

/** What stands between the time and the words, and these; null: nothing for people. */
function wordsOf(event: DaemonEvent | Event): readonly [gap: string, words: string] | null {
  if (event.type === 'step.failed') return ['    ', `${event.step} failed: ${clean(event.problem.summary)}`];
  if (event.type === 'step.done') return ['    ', `${event.step} done, ${duration(event.ms)}`];
  return 'message' in event && event.type !== 'step.waiting' ? ['  ', clean(event.message)] : null;
}
