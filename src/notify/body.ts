import type { NotifyFormat } from '../domain/daemon.ts';
import type { DaemonEvent } from '../domain/daemon-event.ts';
import { slackBody } from './slack.ts';

/** What a receiver did not get before this event. Absent in a body: nothing. */
export interface Omitted {
  /** Events that said the same and were left out. */
  readonly same: number;
  /** Events that were lost: the receiver could not be reached for too long. */
  readonly lost: number;
}

/** A list of problems may be long; more than this no receiver is asked to take. Characters. */
const LARGEST = 64 * 1024;
const LONGEST_MESSAGE = 3000;

/** An event as a text of bounded length: without its details, and marked so, if they are too many. */
export function serialize(event: DaemonEvent): string {
  const text = JSON.stringify(event);
  if (text.length <= LARGEST) return text;
  const { at, type, stack, message } = event;
  return JSON.stringify({ at, type, stack, message: message.slice(0, LONGEST_MESSAGE), truncated: true });
}

/** The body of a request, as the receiver reads it. */
export function bodyOf(format: NotifyFormat, text: string, omitted: Omitted): string {
  if (format === 'slack') return JSON.stringify(slackBody(JSON.parse(text) as Readonly<Record<string, unknown>>, omitted));
  if (omitted.same + omitted.lost === 0) return text;
  return JSON.stringify({ ...(JSON.parse(text) as object), omitted });
}
