import type { Generation, StepResult } from '../../domain/generation.ts';
import { age, duration } from '../format/units.ts';
import type { Entry } from '../text/page.ts';
import { BLANK, entry, printPage } from '../text/page.ts';
import { line, span } from '../text/lines.ts';
import { tableLines } from '../text/table.ts';
import { blockEntries } from '../plan/block.ts';
import { labelled } from '../plan/header.ts';
import { isListed, type Listed } from '../plan/kinds.ts';
import { driftRows } from '../plan/notes.ts';
import { downtimeEntries } from './downtime.ts';
import { afterWords, backWords } from './what.ts';
import { clockTime, originWords, outcomeSpan, type HistoryLooks } from './text.ts';

/** One generation in full: who, when, from what, what changed and why, what each step came to. */
export function renderGenerationText(one: Generation, looks: HistoryLooks): string {
  const changes = one.changes.filter(isListed).map((change) => asTakenBack(change, one));
  const context = { mode: one.mode, types: new Map<string, string>(), now: looks.now ?? null };
  const never = one.drift.filter(({ reason }) => reason === 'unfulfilled');
  const drift = [
    ...driftNote(
      'Note: had been changed outside llmops',
      one.drift.filter((each) => !never.includes(each)),
    ),
    ...driftNote('Note: asked for, and not to be had here', never),
  ];
  return printPage(
    [
      ...facts(one, looks),
      BLANK,
      ...drift,
      ...changes.flatMap((change) => blockEntries(change, context)),
      ...stepEntries(one.steps, looks),
      ...downtimeEntries(one, (at) => clockTime(at, looks).slice(11)),
    ],
    looks,
  );
}

function driftNote(heading: string, drift: Generation['drift']): readonly Entry[] {
  return drift.length === 0 ? [] : [entry(line(span(heading, 'note'))), ...driftRows(drift), BLANK];
}

function facts(one: Generation, looks: HistoryLooks): readonly Entry[] {
  const ago = age(one.startedAt, looks.now ?? null);
  const from = [
    one.source.file,
    ...(one.environment === null ? [] : [`env ${one.environment}`]),
    `file ${one.revision.slice(0, 7)}`,
    ...(one.source.commit === null ? [] : [`commit ${originWords(one)}`]),
  ];
  const took = one.ms === null ? '' : ` after ${duration(one.ms)}`;
  return [
    labelled('Gen', `${one.number} of ${one.stack}, by ${one.mode}`),
    labelled('From', from.join('   ')),
    labelled('By', byWords(one)),
    labelled('Begun', `${clockTime(one.startedAt, looks)}${ago === null ? '' : `, ${ago} ago`}`),
    labelled('Outcome', outcomeSpan(one), `${took}${one.outcome === null ? ': still running, or cut off' : ''}`),
  ];
}

function byWords(one: Generation): string {
  const { who, command, trigger } = one;
  const back = backWords(one);
  if (command === undefined) return back === null ? who : `${who}: ${back}`;
  if (back !== null) return `${who}, ${command}: ${back}`;
  return `${who}, ${command}${trigger === 'crash' ? ': a restart after a crash' : afterWords(one)}`;
}

/** Nobody edited the file that its causes name: what it said once was taken up again. */
function asTakenBack(change: Listed, { wayBack }: Generation): Listed {
  if (wayBack === undefined || change.correctsDrift || change.action === 'blocked') return change;
  return { ...change, cause: `generation ${wayBack.to} was gone back to`, place: null };
}

const STEP_COLUMNS = [
  { title: 'BEGUN' },
  { title: 'STEP' },
  { title: 'MODEL', shrinks: 'end' },
  { title: 'STATUS' },
  { title: 'TOOK' },
  { title: 'INSTANCE', shrinks: 'end' },
] as const;

function stepEntries(steps: readonly StepResult[], looks: HistoryLooks): readonly Entry[] {
  if (steps.length === 0) return [entry(line('No step is recorded.'))];
  const rows = steps.map((step) => [
    span(step.startedAt === null ? '-' : clockTime(step.startedAt, looks).slice(11)),
    span(step.op),
    span(step.model),
    span(step.status, step.status === 'done' ? 'add' : 'remove'),
    span(step.startedAt === null ? '-' : duration(step.ms)),
    span(step.instance, 'quiet'),
  ]);
  const why = steps.flatMap((step) => {
    const text = step.problem === null ? (step.because ?? step.note ?? null) : `${step.problem.summary} [${step.problem.code}]`;
    return text === null ? [] : [entry(line('  ', span(`${step.op} ${step.model}`, 'strong'), ` ${step.status}: ${text}`), 4)];
  });
  const table = tableLines(STEP_COLUMNS, rows, looks.width).map((row) => entry(row));
  return why.length === 0 ? table : [...table, BLANK, ...why];
}
