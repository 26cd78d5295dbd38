import type { DaemonEvent } from '../domain/daemon-event.ts';
import type { Event } from '../domain/event.ts';
import { localClock } from './moment.ts';

/** One line for an event, with its end; of a run's steps only what they came to. Empty: nothing for people. */
export function eventLine(event: DaemonEvent | Event): string {
  const at = localClock(event.at);
  if (event.type === 'step.failed') return `${at}    ${event.step} failed: ${event.problem.summary}\n`;
  if (event.type === 'step.done')
    return `${at}    ${event.step} done, ${event.ms < 1000 ? `${Math.round(event.ms)} ms` : `${(event.ms / 1000).toFixed(1)} s`}\n`;
  return 'message' in event && event.type !== 'step.waiting' ? `${at}  ${event.message}\n` : '';
}
