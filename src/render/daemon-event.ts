import type { DaemonEvent } from '../domain/daemon-event.ts';
import type { Event } from '../domain/event.ts';
import { duration } from './format/units.ts';
import { clean } from './text/clean.ts';

/**
 * One line for an event, with its end; of a run's steps only what they came to. Empty: nothing for people. `clock`: a time (ISO 8601)
 * as the reader's clock shows it. Reasons, subjects of commits and words of engines are others': what a terminal would obey is written out.
 */
export function renderDaemonLine(event: DaemonEvent | Event, clock: (at: string) => string): string {
  const at = clock(event.at);
  if (event.type === 'step.failed') return `${at}    ${event.step} failed: ${clean(event.problem.summary)}\n`;
  if (event.type === 'step.done') return `${at}    ${event.step} done, ${duration(event.ms)}\n`;
  return 'message' in event && event.type !== 'step.waiting' ? `${at}  ${clean(event.message)}\n` : '';
}
