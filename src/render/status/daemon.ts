import type { DaemonPicture } from '../../domain/daemon-picture.ts';
import { WHOLE_STACK, type Pin, type Suspension } from '../../domain/holds.ts';
import type { Status } from '../../domain/status.ts';
import { age, duration } from '../format/units.ts';
import { labelled } from '../plan/header.ts';
import type { Entry } from '../text/page.ts';
import { entry } from '../text/page.ts';
import { line, span, type Span } from '../text/lines.ts';

const INDENT = ' '.repeat(10);

/** What the daemon of a stack follows, is at, and waits for. */
export function daemonEntries(picture: DaemonPicture, now: string): readonly Entry[] {
  const { pid, who, since, follows } = picture;
  const ago = age(since, now);
  const head = labelled('Daemon', `pid ${pid} (${who})${ago === null ? '' : `, for ${ago}`}, follows ${follows}`);
  return [head, row(standingOf(picture)), ...notesOf(picture, now).map((text) => row([span(text, 'note')]))];
}

/** The same on one line, for a service manager: `commit a18f7e8 "chat: 768": in force. It follows main of origin.` */
export function daemonSentence(picture: DaemonPicture): string {
  const standing = standingOf(picture).map((part) => (typeof part === 'string' ? part : part.text));
  return `${standing.join('').replace(/\.$/, '')}. It follows ${picture.follows}.`;
}

function row(parts: readonly (string | Span)[]): Entry {
  return entry(line(INDENT, ...parts), INDENT.length);
}

/** By the reason of its condition: what that means for the newest release. */
const HOW: Readonly<Record<string, string>> = { Quarantined: 'not applied', Parked: 'not applied', Suspended: 'left as it is' };

/** `commit a18f7e8 "chat: 768": in force` */
function standingOf(picture: DaemonPicture): readonly (string | Span)[] {
  const { newest, conditions, phase } = picture;
  const is = (type: string) => conditions.find((condition) => condition.type === type);
  const name = newest === null ? 'nothing yet' : newestWords(newest);
  const stalled = is('Stalled');
  if (stalled?.status === 'True') return [`${name}: `, span(`${HOW[stalled.reason] ?? 'goes no further'}: ${stalled.message}`, 'change')];
  if (phase === 'applying') return [`${name}: `, span('is being applied', 'note')];
  const ready = is('Ready');
  return [`${name}: `, ready?.status === 'True' ? span('in force', 'add') : span(`not in force. ${ready?.message ?? ''}`, 'change')];
}

function newestWords({ release, commit, subject }: NonNullable<DaemonPicture['newest']>): string {
  if (commit === null) return `release ${release}`;
  return `commit ${commit.slice(0, 7)}${subject === null ? '' : ` "${subject}"`}`;
}

function notesOf({ pin, suspended, parked, bake, stalled, conditions, outdated }: DaemonPicture, now: string): readonly string[] {
  const isTold = (summary: string) => conditions.some(({ type, message }) => type === 'Stalled' && message === summary);
  const models = Object.entries(suspended).filter(([name]) => name !== WHOLE_STACK);
  return [
    ...(pin === null ? [] : [pinWords(pin)]),
    ...models.map(([name, suspension]) => suspensionWords(name, suspension)),
    ...(parked === null ? [] : [`waits: ${parked.summary}${parked.until === null ? '' : ` Until ${parked.until}.`}`]),
    ...outdated.map((key) => `${key} was edited; it counts after a restart of llmops up`),
    ...stalled.flatMap(({ summary, fix }) => [...(isTold(summary) ? [] : [summary]), ...(fix === undefined ? [] : [`→ ${fix}`])]),
    ...(bake === null || bake.since === null
      ? []
      : bakeWords(Object.keys(bake.models), Date.parse(bake.since) + bake.ms - Date.parse(now), bake.previous)),
  ];
}

/** What the next daemon will heed. */
export function heldEntries({ suspended, pin }: NonNullable<Status['held']>): readonly Entry[] {
  const held = [
    ...(pin === null ? [] : [pinWords(pin)]),
    ...Object.entries(suspended).map(([name, one]) => suspensionWords(name === WHOLE_STACK ? 'the stack' : name, one)),
  ];
  const [first = '', ...more] = held;
  return [labelled('Held', `for the next llmops up: ${first}`), ...more.map((text) => row([text]))];
}

function pinWords({ generation, by }: Pin): string {
  return `held at generation ${generation} by ${by}; lift it: llmops resume`;
}

function suspensionWords(name: string, { by, why, until }: Suspension): string {
  return `${name} is suspended by ${by}${why === null ? '' : ` (${why})`}${until === null ? '' : `, until ${until}`}`;
}

function bakeWords(models: readonly string[], leftMs: number, previous: number | null): readonly string[] {
  if (leftMs <= 0) return [];
  const back = previous === null ? '' : `; if it does not hold, back to generation ${previous}`;
  return [`${models.join(', ')} ${models.length === 1 ? 'is' : 'are'} watched for ${duration(leftMs)} more${back}`];
}
