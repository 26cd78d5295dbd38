import type { Generation, StepResult } from '../../domain/generation.ts';
import { age, duration } from '../format/units.ts';
import type { Entry, Looks } from '../text/page.ts';
import { BLANK, entry, printPage } from '../text/page.ts';
import type { Span, Tone } from '../text/lines.ts';
import { line, span } from '../text/lines.ts';
import { tableLines } from '../text/table.ts';
import { blockEntries } from '../plan/block.ts';
import { labelled } from '../plan/header.ts';
import { isListed } from '../plan/kinds.ts';
import { driftRows } from '../plan/notes.ts';

/** Looks with the time that ages are told from, ISO 8601. */
export interface HistoryLooks extends Looks {
  readonly now?: string | null;
}

const COLUMNS = [
  { title: 'GEN' },
  { title: 'WHEN' },
  { title: 'OUTCOME' },
  { title: 'WHAT' },
  { title: 'TOOK' },
  { title: 'REVISION' },
  { title: 'WHO', shrinks: 'end' },
] as const;

/** The applied generations as a table, in the order given. */
export function renderHistoryText(generations: readonly Generation[], looks: HistoryLooks): string {
  if (generations.length === 0) return printPage([entry(line('Nothing was applied from here yet. The first: `llmops apply`.'))], looks);
  const rows = generations.map((one) => rowOf(one, looks.now ?? null));
  return printPage(
    tableLines(COLUMNS, rows, looks.width).map((row) => entry(row, 4)),
    looks,
  );
}

function rowOf(one: Generation, now: string | null): readonly Span[] {
  const ago = age(one.startedAt, now);
  const what = one.mode === 'apply' ? counts(one) : `${one.mode} ${counts(one)}`;
  const took = one.ms === null ? '-' : duration(one.ms);
  const cells = [String(one.number), ago === null ? one.startedAt.slice(0, 19) : `${ago} ago`];
  return [
    ...cells.map((text) => span(text)),
    outcomeSpan(one),
    span(what),
    span(took),
    span(one.source.commit?.slice(0, 7) ?? one.revision.slice(0, 7)),
    span(one.who),
  ];
}

/** Short for a table: `+1 ~2 ±1 -1`, only what is not zero. */
function counts({ summary }: Generation): string {
  const parts = [
    ['+', summary.create],
    ['~', summary.update],
    ['±', summary.replace],
    ['-', summary.delete],
  ] as const;
  const said = parts.filter(([, count]) => count > 0).map(([symbol, count]) => `${symbol}${count}`);
  return said.length === 0 ? 'records' : said.join(' ');
}

function outcomeSpan({ outcome }: Generation): Span {
  const tone: Tone = outcome === 'succeeded' ? 'add' : outcome === null ? 'note' : 'remove';
  return span(outcome ?? 'unfinished', tone);
}

/** One generation in full: who, when, from what, what changed and why, what each step came to. */
export function renderGenerationText(one: Generation, looks: HistoryLooks): string {
  const changes = one.changes.filter(isListed);
  const context = { mode: one.mode, types: new Map<string, string>() };
  const drift =
    one.drift.length === 0 ? [] : [entry(line(span('Note: had been changed outside llmops', 'note'))), ...driftRows(one.drift), BLANK];
  return printPage(
    [
      ...facts(one, looks.now ?? null),
      BLANK,
      ...drift,
      ...changes.flatMap((change) => blockEntries(change, context)),
      ...stepEntries(one.steps, looks),
    ],
    looks,
  );
}

function facts(one: Generation, now: string | null): readonly Entry[] {
  const ago = age(one.startedAt, now);
  const from = [
    one.source.file,
    ...(one.environment === null ? [] : [`env ${one.environment}`]),
    `revision ${one.revision.slice(0, 7)}`,
    ...(one.source.commit === null ? [] : [`commit ${one.source.commit.slice(0, 7)}`]),
  ];
  const took = one.ms === null ? '' : ` after ${duration(one.ms)}`;
  return [
    labelled('Gen', `${one.number} of ${one.stack}, by ${one.mode}`),
    labelled('From', from.join('   ')),
    labelled('By', one.who),
    labelled('Begun', `${one.startedAt}${ago === null ? '' : `, ${ago} ago`}`),
    labelled('Outcome', outcomeSpan(one), `${took}${one.outcome === null ? ': still running, or cut off' : ''}`),
  ];
}

const STEP_COLUMNS = [
  { title: 'STEP' },
  { title: 'MODEL', shrinks: 'end' },
  { title: 'STATUS' },
  { title: 'TOOK' },
  { title: 'INSTANCE', shrinks: 'end' },
] as const;

function stepEntries(steps: readonly StepResult[], looks: Looks): readonly Entry[] {
  if (steps.length === 0) return [entry(line('No step is recorded.'))];
  const rows = steps.map((step) => [
    span(step.op),
    span(step.model),
    span(step.status, step.status === 'done' ? 'add' : 'remove'),
    span(duration(step.ms)),
    span(step.instance, 'quiet'),
  ]);
  const why = steps.flatMap((step) => {
    const text = step.problem === null ? step.because : `${step.problem.summary} [${step.problem.code}]`;
    return text === null ? [] : [entry(line('  ', span(`${step.op} ${step.model}`, 'strong'), ` ${step.status}: ${text}`), 4)];
  });
  const table = tableLines(STEP_COLUMNS, rows, looks.width).map((row) => entry(row));
  return why.length === 0 ? table : [...table, BLANK, ...why];
}

/** A generation without the text of its file: `show N --json` has that. */
export type HistoryEntry = Omit<Generation, 'source'> & { readonly source: Omit<Generation['source'], 'text'> };

/** The generations as a JSON document, in the order given. */
export function historyDocument(generations: readonly Generation[]): {
  readonly formatVersion: '1.0';
  readonly generations: readonly HistoryEntry[];
} {
  const brief = generations.map((one) => ({ ...one, source: { file: one.source.file, commit: one.source.commit } }));
  return { formatVersion: '1.0', generations: brief };
}
