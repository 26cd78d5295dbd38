import type { Outcome } from '../domain/event.ts';
import type { ApplyResult, StepResult } from '../domain/generation.ts';
import { blockingProblems, type Plan } from '../domain/plan.ts';
import { isCircumstance, type Problem } from '../domain/problem.ts';
import { fatesOf } from './apply-fate.ts';
import { cutWords } from './cut.ts';
import { counted, duration } from './format/units.ts';
import { blockedEntries, blockedWords, nextEntry } from './left.ts';
import { problemEntries } from './plan/footer.ts';
import type { Entry, Looks } from './text/page.ts';
import { BLANK, entry, printPage } from './text/page.ts';
import type { Tone } from './text/lines.ts';
import { line, span } from './text/lines.ts';
import { padEnd, textWidth } from './text/width.ts';

const MOST_MODELS = 40;

/** What is done, what is not and why, and what to type next. With `plan` the first line counts models, else steps. */
export function renderApplyResult(result: ApplyResult, looks: Looks & { readonly plan?: Plan }): string {
  const left = result.steps.filter((step) => step.status !== 'done');
  const ended = entry(line(span(headline(result, looks.plan), result.outcome === 'succeeded' ? 'add' : 'remove')), 2);
  const beside = problemEntries(result.problems);
  const addresses = addressEntries(result.steps);
  const blocked = looks.plan === undefined ? [] : blockedEntries(looks.plan.changes);
  const untouched =
    blocked.length === 0 ? [] : [entry(line(span('What was left as it is, because it is blocked', 'strong'))), ...blocked, BLANK];
  const after = [...(beside.length > 0 ? [BLANK, ...beside] : []), ...nextEntries(result, looks.plan)];
  if (left.length === 0) return printPage([ended, ...addresses, ...(untouched.length > 0 ? [BLANK, ...untouched] : []), ...after], looks);
  return printPage([ended, BLANK, ...doneEntries(result.steps), ...undoneEntries(left), ...untouched, ...addresses, ...after], looks);
}

function headline(result: ApplyResult, plan: Plan | undefined): string {
  const generation = result.generation === null ? '' : ` Generation ${result.generation}.`;
  const time = ` in ${duration(result.ms)}`;
  const cut = cutWords(result.steps);
  const also = cut === null ? '' : `, ${cut}`;
  if (result.outcome === 'succeeded')
    return `Done${time}: ${plan ? modelCounts(plan) : counted(result.steps.length, 'step')}${also}.${generation}`;
  if (plan && result.steps.every(({ status }) => status === 'done'))
    return `Partly applied${time}: ${modelCounts(plan)}${also}; ${blockedWords(plan.summary.blocked)}.${generation}`;
  const count = (status: StepResult['status']) => result.steps.filter((step) => step.status === status).length;
  const parts = [
    `${count('done')} of ${counted(result.steps.length, 'step')} done`,
    `${count('failed')} failed`,
    `${count('skipped')} skipped`,
    `${count('cancelled')} cancelled`,
  ];
  return `${OUTCOMES[result.outcome]}${time}: ${parts.filter((part) => !part.startsWith('0 ') || part.includes('done')).join(', ')}${also}.${generation}`;
}

const OUTCOMES: Readonly<Record<Exclude<Outcome, 'succeeded'>, string>> = {
  partly: 'Partly applied',
  failed: 'Failed',
  stale: 'Stopped, because the world is not as planned',
  cancelled: 'Cancelled',
};

function modelCounts({ mode, summary, steps, changes }: Plan): string {
  if (mode === 'prefetch')
    return `weights of ${counted(new Set(steps.map(({ model }) => model)).size, 'model')} fetched, nothing that runs was changed`;
  const parts = [
    [summary.adopt ?? 0, 'taken over'],
    [summary.create, 'added'],
    [summary.update, 'changed'],
    [summary.replace, 'replaced'],
    [summary.delete, mode === 'down' ? 'stopped' : 'destroyed'],
    [changes.filter((change) => change.action === 'blocked' && change.withdraws !== undefined).length, 'withdrawn'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return said.length === 0 ? 'records brought up to date' : said.join(', ');
}

/** A private port is chosen at each start, so the address of what was changed is told. */
function addressEntries(steps: readonly StepResult[]): readonly Entry[] {
  const sent = steps.flatMap(({ model, url, restored }) => {
    const address = url ?? restored?.url;
    return address === undefined ? [] : [{ model, address }];
  });
  const width = nameWidth(sent.map(({ model }) => model));
  const rows = sent
    .slice(0, MOST_MODELS)
    .map(({ model, address }) => entry(line('  ', `${padEnd(model, width)}  ${address}/v1`), width + 4));
  return rows.length === 0 ? [] : [...rows, ...more(sent.length - MOST_MODELS, 'address')];
}

/** Where a replacement did not come to its end, what was done is told by what it did to the model. */
const EFFECTS: Readonly<Record<string, string>> = {
  withdraw: 'clients no longer sent to the old copy',
  drain: 'its requests finished',
  stop: 'old copy stopped',
  start: 'new copy started',
  probe: 'new copy answered',
};

function doneEntries(steps: readonly StepResult[]): readonly Entry[] {
  const perModel = new Map<string, string[]>();
  for (const step of steps)
    if (step.status === 'done' && !isUndone(step, steps)) perModel.set(step.model, [...(perModel.get(step.model) ?? []), step.op]);
  if (perModel.size === 0) return [entry(line('Nothing was changed.')), BLANK];
  const fated = new Set(fatesOf(steps).map(({ model }) => model));
  const width = nameWidth([...perModel.keys()]);
  const rows = [...perModel]
    .slice(0, MOST_MODELS)
    .map(([model, acts]) => [model, fated.has(model) ? acts.map((op) => EFFECTS[op] ?? op) : acts] as const)
    .map(([model, ops]) => entry(line('  ', span('✓', 'add'), ` ${padEnd(model, width)}  ${ops.join(', ')}`), width + 6));
  return [entry(line(span('What is done', 'strong'))), ...rows, ...more(perModel.size - MOST_MODELS, 'model'), BLANK];
}

/** Clients were sent away, and sent back: of that nothing is left. */
function isUndone({ op, model }: StepResult, steps: readonly StepResult[]): boolean {
  if (op !== 'withdraw' && op !== 'drain') return false;
  return steps.some((step) => step.model === model && step.restored !== undefined && (step.op === 'drain' || step.op === 'stop'));
}

const MARKS: Readonly<Record<Exclude<StepResult['status'], 'done'>, readonly [string, Tone]>> = {
  failed: ['✗', 'remove'],
  skipped: ['-', 'change'],
  cancelled: ['-', 'change'],
  interrupted: ['-', 'change'],
};

/** What failed each on its own, before what was not begun for it; of the rest a line a model, as one reason explains a chain of steps. */
function undoneEntries(steps: readonly StepResult[]): readonly Entry[] {
  const width = nameWidth(steps.map((step) => step.model));
  const perModel = new Map<string, StepResult[]>();
  for (const step of steps) if (step.problem === null) perModel.set(step.model, [...(perModel.get(step.model) ?? []), step]);
  const told = steps.filter((step) => step.problem !== null).map((step) => [step]);
  const groups = [...told.toSorted(([a], [b]) => Number(a?.status !== 'failed') - Number(b?.status !== 'failed')), ...perModel.values()];
  const shown = groups.slice(0, MOST_MODELS);
  const named = new Set(shown.map(([first]) => first?.model));
  const others = new Set(groups.flatMap(([first]) => (first && !named.has(first.model) ? [first.model] : [])));
  const rows = shown.flatMap((group) => undone(group, width));
  return [entry(line(span('What is not', 'strong'))), ...rows, ...more(others.size, 'model'), BLANK];
}

/** Steps of one model that one reason explains: that of the first. */
function undone(group: readonly StepResult[], width: number): readonly Entry[] {
  const [step] = group;
  if (step === undefined || step.status === 'done') return [];
  const [mark, tone] = MARKS[step.status];
  const why =
    step.problem === null
      ? `${step.status}${step.because === null ? '' : `: ${step.because}`}`
      : `${step.problem.summary} [${step.problem.code}]`;
  const ops = [...new Set(group.map(({ op }) => op))].join(', ');
  const row = entry(line('  ', span(mark, tone), ` ${padEnd(step.model, width)}  ${ops}: ${why}`), width + 6);
  const indent = ' '.repeat(width + 6);
  const fix = step.problem?.fix;
  const details = (step.problem?.details ?? []).map((detail) => entry(line(indent, span(`| ${detail}`, 'quiet')), width + 8));
  return fix === undefined ? [row, ...details] : [row, ...details, entry(line(indent, `fix: ${fix}`), width + 11)];
}

function nextEntries({ outcome, steps }: ApplyResult, plan: Plan | undefined): readonly Entry[] {
  if (outcome === 'succeeded') return [];
  if (plan && steps.every(({ status }) => status === 'done')) return [nextEntry(plan, blockingProblems(plan.changes))];
  const fates = fatesOf(steps);
  const told = fates.map(({ down, words }) => entry(line(span(words, down ? 'remove' : 'change')), 2));
  const rest = fates.length === 0 ? 'What is not done was left as it was.' : 'Everything else that is not done was left as it was.';
  return [...told, entry(line(rest)), entry(line(span('Next: ', 'strong'), nextCommand(steps)), 6)];
}

/** What to type: the same file would fail the same way, so a copy that did not come up is looked into first. */
function nextCommand(steps: readonly StepResult[]): string {
  const failed = steps.filter(({ op, status }) => (op === 'start' || op === 'probe') && status === 'failed');
  if (failed.every(({ problem }) => problem === null || isCircumstance(problem)))
    return '`llmops plan` shows what is left to do, `llmops apply` does it.';
  const quoted = failed.find(({ problem }) => isQuoted(problem));
  return quoted === undefined
    ? '`llmops apply`, once what failed is mended.'
    : `\`llmops logs --failed ${quoted.model}\` shows all that it said. Mend that, then \`llmops plan\`.`;
}

/** Its engine keeps a log, of which the end is told already. */
function isQuoted(problem: Problem | null): boolean {
  return (problem?.details ?? []).length > 0;
}

function nameWidth(names: readonly string[]): number {
  return Math.min(
    24,
    names.reduce((most, name) => Math.max(most, textWidth(name)), 0),
  );
}

function more(count: number, noun: string): readonly Entry[] {
  return count > 0 ? [entry(line(span(`  … and ${counted(count, noun)} more`, 'quiet')))] : [];
}
