import type { DaemonPicture } from '../../domain/daemon-picture.ts';
import { watchedAt, WHOLE_STACK, type Bake, type Pin, type Suspension } from '../../domain/holds.ts';
import { asSentence } from '../../domain/problem.ts';
import type { Status } from '../../domain/status.ts';
import { age, counted, duration } from '../format/units.ts';
import { labelled } from '../plan/header.ts';
import type { Entry } from '../text/page.ts';
import { entry } from '../text/page.ts';
import { line, span, type Span } from '../text/lines.ts';
import { clause } from '../../domain/text.ts';

const INDENT = ' '.repeat(10);
/** Of a file that is not valid; `llmops validate` has them all. */
const MOST_PROBLEMS = 3;

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
  return `${clause(standing.join(''))}. It follows ${picture.follows}.`;
}

function row(parts: readonly (string | Span)[]): Entry {
  return entry(line(INDENT, ...parts), INDENT.length);
}

/** By the reason of its condition: what that means for the newest release. */
const HOW: Readonly<Record<string, string>> = {
  Quarantined: 'not applied',
  Parked: 'not applied',
  Suspended: 'left as it is',
  NotInForce: 'not in force yet',
};

/** `commit a18f7e8 "chat: 768": in force` */
function standingOf(picture: DaemonPicture): readonly (string | Span)[] {
  const { newest, conditions, phase, inForce, trouble } = picture;
  if (newest === null) return newestIsNone(picture);
  const name = newestWords(newest);
  if (inForce) return [`${name}: `, span('in force', 'add')];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const isOfLater = trouble?.problems.some(({ summary }) => summary === ready?.message) === true; // what came later is told below
  const [reason, message] = ready === undefined || isOfLater ? ['NotInForce', 'It is being brought there.'] : [ready.reason, ready.message];
  // A crash is mended also while the release itself waits.
  if (phase === 'applying' && reason === 'NotInForce') return [`${name}: `, span('is being applied', 'note')];
  return [
    `${name}: `,
    span(`${HOW[reason] ?? 'goes no further'}: ${clause(message)}${fixWords(fixOf(reason, message, picture))}`, 'change'),
  ];
}

/** Nothing that may be used was found so far: why is all there is to tell. */
function newestIsNone({ trouble }: DaemonPicture): readonly (string | Span)[] {
  const [first] = trouble?.problems ?? [];
  if (first === undefined) return [span('nothing was found yet', 'note')];
  return [span(`nothing is followed yet: ${clause(first.summary)}${fixWords(first.fix)}`, 'change')];
}

function newestWords({ release, commit, subject }: NonNullable<DaemonPicture['newest']>): string {
  if (commit === null) return `release ${release}`;
  return `commit ${commit.slice(0, 7)}${subject === null ? '' : ` "${subject}"`}`;
}

/** What to type, or to mend, about what a condition says. */
function fixOf(reason: string, message: string, { stalled, suspended, pin, parked }: DaemonPicture): string | undefined {
  if (reason === 'Suspended') return `lift it: llmops resume${suspended[WHOLE_STACK] ? '' : ` ${toldAsleep(message, suspended) ?? ''}`}`;
  if (reason === 'Quarantined') return pin === null ? 'lift it: llmops resume' : undefined; // the pin says so
  if (reason === 'Parked') return parked === null || parked.until === null ? undefined : `now: llmops approve ${parked.key}`;
  return stalled.find(({ summary }) => summary === message)?.fix;
}

/** The suspended model of which a condition tells. */
function toldAsleep(message: string, suspended: DaemonPicture['suspended']): string | undefined {
  return Object.keys(suspended).find((name) => message.startsWith(`${name} is suspended `));
}

function fixWords(fix: string | undefined): string {
  return fix === undefined ? '' : ` → ${fix}`;
}

function notesOf(picture: DaemonPicture, now: string): readonly string[] {
  const { pin, suspended, parked, bake, outdated, conditions } = picture;
  const told = toldAsleep(conditions.find(({ type }) => type === 'Ready')?.message ?? '', suspended);
  const models = Object.entries(suspended).filter(([name]) => name !== WHOLE_STACK && name !== told);
  return [
    ...(pin === null ? [] : [pinWords(pin)]),
    ...models.map(([name, suspension]) => suspensionWords(name, suspension)),
    ...(parked === null ? [] : [`waits: ${parked.summary}`]),
    ...stalledWords(picture),
    ...laterWords(picture, now),
    ...outdated.map((key) => `${key} was edited; it counts after a restart of llmops up`),
    ...(bake === null ? [] : bakeWords(bake, now)),
  ];
}

/** What stands in the way of the newest release beside what its own row says. */
function stalledWords({ stalled, trouble, conditions }: DaemonPicture): readonly string[] {
  const told = new Set([
    ...(trouble?.problems ?? []).map(({ summary }) => summary),
    conditions.find(({ type }) => type === 'Ready')?.message,
  ]);
  return stalled.filter(({ summary }) => !told.has(summary)).map(({ summary, fix }) => `${clause(summary)}${fixWords(fix)}`);
}

/** Why nothing newer is followed. */
function laterWords({ newest, trouble, stalled }: DaemonPicture, now: string): readonly string[] {
  if (trouble === null || (newest === null && trouble.problems.length < 2)) return [];
  const ago = age(trouble.since, now);
  const isAway = trouble.kind === 'unavailable' && stalled.every(({ summary }) => summary !== trouble.problems[0]?.summary);
  const head = `${isAway ? 'nothing newer can be seen' : 'what came after it is not used'}${ago === null ? '' : `, for ${ago}`}`;
  const problems = trouble.problems.slice(newest === null ? 1 : 0);
  const said = problems.slice(0, MOST_PROBLEMS).map((problem) => `${clause(asSentence(problem))}${fixWords(problem.fix)}`);
  const more = problems.length > MOST_PROBLEMS ? [`and ${counted(problems.length - MOST_PROBLEMS, 'more mistake')}: llmops validate`] : [];
  return [`${head}: ${said[0] ?? ''}`, ...said.slice(1), ...more];
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

function pinWords({ generation, by, why }: Pin): string {
  return `held at generation ${generation} by ${by}${why === null ? '' : `: ${clause(why)}`} → lift it: llmops resume`;
}

function suspensionWords(name: string, { by, why, until }: Suspension): string {
  return `${name} is suspended by ${by}${why === null ? '' : ` (${why})`}${until === null ? '' : `, until ${until}`}`;
}

/** Until the last of them has held. */
function bakeWords(bake: Bake, now: string): readonly string[] {
  const { models: own, since, ms } = bake;
  const { older, previous } = watchedAt(bake, Date.parse(now));
  const all = [...older, ...(since === null ? [] : Object.keys(own).map((model) => ({ model, since, ms })))];
  const left = all.map((one) => ({ model: one.model, ms: Date.parse(one.since) + one.ms - Date.parse(now) })).filter((one) => one.ms > 0);
  if (left.length === 0) return [];
  const [models, leftMs] = [left.map(({ model }) => model), Math.max(...left.map((one) => one.ms))];
  const back = previous === null ? '' : `; if it does not hold, back to generation ${previous}`;
  return [`${models.join(', ')} ${models.length === 1 ? 'is' : 'are'} watched for ${duration(leftMs)} more${back}`];
}
