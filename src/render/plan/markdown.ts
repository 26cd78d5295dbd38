import { blockingProblems, hasChanges, type Plan } from '../../domain/plan.ts';
import { counted, grouped } from '../format/units.ts';
import { placeText } from '../format/values.ts';
import { clean } from '../text/clean.ts';
import { downtimeWords } from './cost.ts';
import { priceWords, summaryLine } from './footer.ts';
import type { Listed } from './kinds.ts';
import { actionWords, isListed, kindOf } from './kinds.ts';
import { renderPlanText } from './text.ts';

/** GitHub refuses comments of more than 65,536 characters; this leaves room for what a bot puts around it. */
const LIMIT = 65_000;
const TEXT_WIDTH = 100;
/** Room for headings, and for the notes that say what was cut off. */
const SLACK = 600;

/**
 * The plan for a pull-request comment: summary first, then a table, then everything folded. Never longer than `limit`
 * characters (at least 4,000); what does not fit is counted and said. Nothing from users can end a cell or a fence.
 */
export function renderPlanMarkdown(plan: Plan, { limit = LIMIT }: { readonly limit?: number } = {}): string {
  const listed = plan.changes.filter(isListed);
  const head = [
    `### llmops plan for ${code(plan.stack)}`,
    '',
    `**${escaped(shorten(summaryLine(plan), 500))}**`,
    ...(hasChanges(plan) ? ['', `Price: ${escaped(shorten(priceWords(plan.changes), 1000))}`] : []),
    '',
  ];
  const room = limit - lengthOf(head) - SLACK;
  const problems = fitting(problemRows(plan), room * 0.25, 'problem');
  const table =
    listed.length === 0
      ? []
      : [
          ...TABLE,
          ...fitting(
            listed.map((change) => tableRow(change, plan.mode)),
            room * 0.45,
            'change',
          ),
          '',
        ];
  const above = [...head, ...problems, ...(problems.length > 0 ? [''] : []), ...table];
  return `${[...above, ...folded(plan, limit - lengthOf(above) - SLACK / 2)].join('\n')}\n`;
}

const TABLE = ['| | Model | Backend | What happens | Downtime |', '|---|---|---|---|---|'];

function tableRow(change: Listed, mode: Plan['mode']): string {
  const downtime = 'cost' in change ? downtimeWords(change) : '';
  const cells = [
    `\`${kindOf(change, mode).symbol}\``,
    code(change.model),
    code(change.backend),
    escaped(actionWords(change, mode)),
    escaped(downtime),
  ];
  return `| ${cells.join(' | ')} |`;
}

function problemRows(plan: Plan): readonly string[] {
  // A protected model's problem is the whole plan's, and its own.
  const all = new Map([...plan.problems, ...blockingProblems(plan.changes)].map((each) => [`${each.code} ${each.summary}`, each]));
  return [...all.values()].map((problem) => {
    const where = problem.place === undefined ? '' : ` at ${code(shorten(placeText(problem.place), 200))}`;
    const fix = problem.fix === undefined ? '' : ` Fix: ${escaped(shorten(problem.fix, 500))}`;
    return `- **${problem.severity}**${where}: ${escaped(shorten(problem.summary, 1000))}${fix}`;
  });
}

/** The rows that fit, and a count of the others: as a row of their own, which is valid in a list and in a table. */
function fitting(rows: readonly string[], room: number, noun: string): readonly string[] {
  let used = 0;
  const end = rows.findIndex((row) => (used += row.length + 1) > room);
  if (end === -1) return rows;
  const more = `${counted(rows.length - end, noun)} more not shown`;
  return [...rows.slice(0, end), noun === 'change' ? `| | … ${more} | | | |` : `- … ${more}`];
}

function folded(plan: Plan, room: number): readonly string[] {
  const text = renderPlanText(plan, { color: false, width: TEXT_WIDTH });
  const rows = text.trimEnd().split('\n');
  const shown: string[] = [];
  let used = 0;
  for (const row of rows) {
    used += row.length + 1;
    if (used > room - 200) break;
    shown.push(row);
  }
  const left = rows.length - shown.length;
  if (left > 0) shown.push(`… ${grouped(left)} more lines not shown; all of it: llmops plan`);
  const fence = fenceFor(shown);
  return ['<details><summary>The whole plan</summary>', '', `${fence}text`, ...shown, fence, '', '</details>'];
}

/** Longer than every run of backticks inside, so that nothing inside can close it (CommonMark 4.5). */
function fenceFor(rows: readonly string[]): string {
  let longest = 2;
  for (const row of rows) for (const run of row.match(/`+/g) ?? []) longest = Math.max(longest, run.length);
  return '`'.repeat(Math.min(longest, TEXT_WIDTH * 10) + 1);
}

/** Inline code whose content cannot end it: as an element with character references, which Markdown does not read. */
function code(text: string): string {
  return `<code>${escaped(shorten(text, 200))}</code>`;
}

/** Plain words for Markdown: every character with a meaning there becomes a character reference. */
function escaped(text: string): string {
  return clean(text)
    .replace(/:(?! )|[!-+[-`{-~<>@=|]/g, (character) => (/[()%']/.test(character) ? character : `&#${character.charCodeAt(0)};`))
    .replace(/www\./gi, (start) => `${start.slice(0, 3)}&#46;`);
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

function lengthOf(rows: readonly string[]): number {
  return rows.reduce((sum, row) => sum + row.length + 1, 0);
}
