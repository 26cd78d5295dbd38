import type { Change, Cost, Drift, Plan } from '../../domain/plan.ts';
import { errorsIn, type Problem } from '../../domain/problem.ts';
import { canApply, hasChanges } from '../../domain/plan.ts';
import { bytes, counted } from '../format/units.ts';
import { baseName, placeText } from '../format/values.ts';
import type { Entry } from '../text/page.ts';
import { BLANK, entry } from '../text/page.ts';
import type { Tone } from '../text/lines.ts';
import { line, span } from '../text/lines.ts';

const MOST_PROBLEMS = 20;
const TONES: Readonly<Record<Problem['severity'], Tone>> = { error: 'remove', warning: 'change', info: 'note' };
const WORDS: Readonly<Record<Problem['severity'], string>> = { error: 'Error', warning: 'Warning', info: 'Note' };

/** Problems of the whole plan, errors last so that they stand nearest to the prompt. */
export function problemEntries(problems: readonly Problem[]): readonly Entry[] {
  const rank = { info: 0, warning: 1, error: 2 } as const;
  const ordered = problems.toSorted((a, b) => rank[a.severity] - rank[b.severity]);
  const left = ordered.length - MOST_PROBLEMS;
  const more = left > 0 ? [entry(line(span(`… ${counted(left, 'problem')} more before these (all of them: --json)`, 'quiet'))), BLANK] : [];
  return [...more, ...ordered.slice(-MOST_PROBLEMS).flatMap(oneProblem)];
}

function oneProblem(problem: Problem): readonly Entry[] {
  const rows = [
    entry(
      line(span(`${WORDS[problem.severity]}: `, TONES[problem.severity]), `${problem.summary} `, span(`[${problem.code}]`, 'quiet')),
      2,
    ),
  ];
  if (problem.place) rows.push(entry(line('  at ', placeText(problem.place)), 5));
  if (problem.expected !== undefined) rows.push(entry(line(`  expected: ${problem.expected}`), 4));
  if (problem.fix !== undefined) rows.push(entry(line(`  fix: ${problem.fix}`), 7));
  return [...rows, BLANK];
}

/**
 * The one line that sums the plan up. Scripts read it, so its form is a contract: `Plan: A to add, C to change,
 * R to replace, D to destroy.`, with `T to take over, ` before that and `; N of them correct(s) drift` before the full stop where that is so.
 */
export function summaryLine(plan: Plan): string {
  if (plan.mode === 'refresh-only') return refreshLine(plan);
  if (plan.mode === 'prefetch' && hasChanges(plan)) {
    const models = counted(new Set(plan.steps.map(({ model }) => model)).size, 'model');
    return `Prefetch: the weights of ${models} are fetched. Nothing that runs is changed.`;
  }
  if (!hasChanges(plan)) return nothingLine(plan);
  const { adopt = 0, create, update, replace, delete: gone, correctsDrift } = plan.summary;
  const last = `${gone} to ${plan.mode === 'down' ? 'stop' : 'destroy'}`;
  const drift = correctsDrift > 0 ? `; ${correctsDrift} of them ${correctsDrift === 1 ? 'corrects' : 'correct'} drift` : '';
  const over = adopt > 0 ? `${adopt} to take over, ` : '';
  return `Plan: ${over}${create} to add, ${update} to change, ${replace} to replace, ${last}${drift}.`;
}

function refreshLine(plan: Plan): string {
  if (plan.drift.length === 0) return 'No changes. Nothing was changed outside llmops.';
  return `Drift: ${counted(plan.drift.length, 'difference')} between what was applied and what runs. Nothing is changed by this plan.`;
}

/** A copy ended, and somebody else runs its model by now. */
function isMendedByOthers({ model, field }: Drift, { changes }: Plan): boolean {
  return field === null && changes.some((change) => change.model === model && change.action === 'keep' && change.unmanaged !== undefined);
}

function nothingLine(plan: Plan): string {
  if (plan.summary.blocked > 0) return `No changes. ${counted(plan.summary.blocked, 'model is', 'models are')} blocked, see above.`;
  if (errorsIn(plan.problems).length > 0) return 'No changes. The problems above stand in the way.';
  if (plan.mode === 'prefetch') return 'No changes. There is nothing to fetch ahead.';
  if (plan.mode !== 'apply') return endedLine(plan);
  if (plan.drift.some((each) => !isMendedByOthers(each, plan))) return 'No changes. The drift above is left alone, as its policy says.';
  const inert = plan.inertModels ?? [];
  if (inert.length > 0) {
    const all = new Set([...inert, ...plan.changes.map(({ model }) => model)]).size;
    return `No changes, but ${inert.length} of ${counted(all, 'declared model')} ${inert.length === 1 ? 'is' : 'are'} not acted on by this version, see above.`;
  }
  const all = plan.targets.length > 0 ? 'The targeted models match' : 'Your models match';
  return `No changes. ${all} ${baseName(plan.file)}.`;
}

/** There is nothing that could be ended. */
function endedLine({ targets }: Plan): string {
  return `No changes. Nothing of ${targets.length > 0 ? targets.join(', ') : 'this stack'} is running.`;
}

/** The last lines: summary, blocked models, price. */
export function footerEntries(plan: Plan): readonly Entry[] {
  const sum = entry(line(span(summaryLine(plan), 'strong')));
  if (!hasChanges(plan)) return [sum];
  const rows: Entry[] = [{ ...sum, whole: true }];
  if (plan.summary.blocked > 0) {
    rows.push(entry(line(span('Blocked: ', 'remove'), `${counted(plan.summary.blocked, 'model')} cannot be acted on, see above.`), 9));
  }
  rows.push(entry(line(span('Price: ', 'strong'), priceWords(plan.changes, plan.mode === 'prefetch')), 7));
  if (!canApply(plan)) rows.push(entry(line(span('Refused: ', 'remove'), 'nothing of this is done as long as the error above stands.'), 9));
  return rows;
}

/** What the whole plan costs, in words. */
export function priceWords(changes: readonly Change[], prefetch = false): string {
  const priced = changes.flatMap((change) => ('cost' in change && change.action !== 'create' ? [change] : []));
  const download = changes.reduce((sum, change) => sum + ('cost' in change ? change.cost.downloadBytes : 0), 0);
  if (prefetch) return `${bytes(download)} to fetch`;
  const fetch = download > 0 ? `${bytes(download)} to fetch` : 'nothing to fetch';
  const down = (kind: Cost['downtime'], words: string) =>
    named(
      priced.filter((change) => change.cost.downtime === kind).map((change) => change.model),
      words,
    );
  const parts = [
    down('none', '0 s down'),
    down('one-start', 'down for one start'),
    down('until-recreated', 'down until created again'),
    down('ends', 'ends'),
  ];
  return [fetch, ...parts.filter((part) => part !== '')].join('; ');
}

function named(models: readonly string[], words: string): string {
  if (models.length === 0) return '';
  const said = words === 'ends' && models.length > 1 ? 'end' : words;
  return models.length <= 3 ? `${models.join(', ')} ${said}` : `${models.length} models ${said}`;
}
