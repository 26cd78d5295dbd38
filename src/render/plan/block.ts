import type { FieldChange, Plan } from '../../domain/plan.ts';
import type { Problem } from '../../domain/problem.ts';
import type { Price } from '../../domain/fields.ts';
import { worst } from '../../domain/fields.ts';
import { age, counted } from '../format/units.ts';
import { placeText, value, valuePair } from '../format/values.ts';
import type { Entry } from '../text/page.ts';
import { BLANK, entry } from '../text/page.ts';
import type { Line, Span } from '../text/lines.ts';
import { line, span, whole } from '../text/lines.ts';
import { clean } from '../text/clean.ts';
import { textWidth } from '../text/width.ts';
import { unmanagedWords } from './adopted.ts';
import { costEntries } from './cost.ts';
import { fact, NAME } from './fact.ts';
import type { Kind, Listed, Update } from './kinds.ts';
import { actionWords, kindOf } from './kinds.ts';

/** What a block needs to know of its plan. */
export interface BlockContext {
  readonly mode: Plan['mode'];
  /** Type of each backend, by name. */
  readonly types: ReadonlyMap<string, string>;
  /** ISO 8601: what an age is told from; null or absent: the time itself is told. */
  readonly now?: string | null;
}

const PLACE_WIDTH = 32;

const FORCES: Readonly<Record<Price, string>> = {
  live: '',
  drain: '# waits for requests',
  restart: '# forces restart',
  pull: '# fetches weights',
  replace: '# forces replacement',
};

/** One changed model: heading, settings, what it costs, why. */
export function blockEntries(change: Listed, context: BlockContext): readonly Entry[] {
  const kind = kindOf(change, context.mode);
  const width = nameWidth(change);
  return [
    heading(change, kind, context),
    ...settings(change, kind, width),
    ...(change.action === 'blocked' ? blockedEntries(change, width) : costEntries(change, width)),
    ...failedBefore(change, width, context.now ?? null),
    fact('because', change.cause, width),
    BLANK,
  ];
}

function nameWidth(change: Listed): number {
  const names = 'fields' in change ? change.fields.map((field) => field.field.length) : [];
  return Math.min(24, Math.max(9, names.length === 0 ? textWidth(clean(change.model)) : 0, ...names));
}

function heading(change: Listed, kind: Kind, context: BlockContext): Entry {
  const type = context.types.get(change.backend);
  const where = type === undefined ? change.backend : `${change.backend} (${type})`;
  const reason = change.action === 'update' && change.replacementReason !== null ? [' ', whole(`(${change.replacementReason})`)] : [];
  return entry(
    line('  ', span(`# model.${change.model}`, 'strong'), ` on ${where}: `, span(actionWords(change, context.mode), kind.tone), ...reason),
    4,
  );
}

function settings(change: Listed, kind: Kind, width: number): readonly Entry[] {
  if (change.action === 'adopt')
    return [fact('takes over', unmanagedWords(change.from), width, span(kind.symbol, kind.tone)), ...hidden(change)];
  if (change.action === 'create') return [...created(change.fields, kind, width)];
  if (change.action === 'update' && change.fields.length > 0) return updated(change, kind, width);
  if (change.action === 'update')
    return [fact(change.model, withoutFields(change), width, span(kind.symbol, kind.tone)), ...hidden(change)];
  return [];
}

/** What an update does that changes no setting. */
function withoutFields(change: Update): string {
  if (change.replacement !== null) return 'starts anew; no setting that the engine tells is different';
  return 'goes on running; only where clients are sent, what is on record, or a left-over copy changes';
}

function created(fields: readonly FieldChange[], kind: Kind, width: number): readonly Entry[] {
  const said = fields.filter((field) => field.to !== null);
  const rows = said.map((field) => settingRow(field, kind, line(value(field.field, field.to)), '', width));
  const left = fields.length - said.length;
  return left === 0 ? rows : [...rows, remark(`# ${counted(left, 'setting')} left to the engine`)];
}

function updated(change: Update, kind: Kind, width: number): readonly Entry[] {
  const dearest = worst(change.fields.map((field) => field.price));
  const rows = change.fields.map((field) => {
    const guilty = field.price === dearest;
    const [from, to] = valuePair(field.field, field.from, field.to);
    const forces = guilty || field.price === 'replace' ? FORCES[field.price] : '';
    return settingRow(field, guilty ? kind : { ...kind, symbol: '~' }, line(from, ' → ', to), forces, width);
  });
  return [...rows, ...hidden(change)];
}

function hidden(change: Pick<Update, 'unchanged' | 'unverified'>): readonly Entry[] {
  const rows = change.unchanged > 0 ? [remark(`# ${counted(change.unchanged, 'unchanged setting')} hidden`)] : [];
  return change.unverified.length === 0
    ? rows
    : [...rows, remark(`# not verified, what is in force is not told: ${change.unverified.join(', ')}`)];
}

function settingRow(field: FieldChange, kind: Kind, content: Line, forces: string, width: number): Entry {
  const symbol = span(kind.symbol.padStart(NAME - 1), kind.tone);
  const left = line(symbol, ` ${field.field.padEnd(width)}  `, ...content);
  const place: readonly Span[] = field.place === null ? [] : [span(placeText(field.place, PLACE_WIDTH), 'quiet')];
  return { content: left, hang: NAME + width + 2, tail: { place, remark: forces === '' ? [] : [span(forces, 'remove')] } };
}

function remark(text: string): Entry {
  return entry(line(' '.repeat(NAME), span(text, 'quiet')), NAME + 2);
}

function blockedEntries({ problem, others = [], withdraws }: Extract<Listed, { action: 'blocked' }>, width: number): readonly Entry[] {
  const clients = withdraws === undefined ? [] : [fact('clients', `no longer sent to ${withdraws}, where its copy has ended`, width)];
  return [...[problem, ...others].flatMap(problemRows), ...clients];

  function problemRows(each: Problem): readonly Entry[] {
    const where = each.place === undefined ? '' : `   ${placeText(each.place, PLACE_WIDTH)}`;
    const rows = [fact('problem', `${each.summary} [${each.code}]${where}`, width, span('x', 'remove'))];
    if (each.expected !== undefined) rows.push(fact('expected', each.expected, width));
    if (each.fix !== undefined) rows.push(fact('fix', each.fix, width));
    return rows;
  }
}

/** Whoever reviews a change must know that this very one has just failed. */
function failedBefore({ failedBefore: last }: Listed, width: number, now: string | null): readonly Entry[] {
  if (last === undefined) return [];
  const ago = age(last.at, now);
  const when = `generation ${last.generation}, ${ago === null ? last.at : `${ago} ago`}`;
  const text = `an earlier try of exactly this (${when}) failed: ${last.summary} [${last.code}]`;
  return [fact('warning', text, width, span('!', 'change'))];
}
