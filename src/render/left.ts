import { blockingProblems, hasChanges, type Change, type Plan } from '../domain/plan.ts';
import { errorsIn, type Problem } from '../domain/problem.ts';
import { counted } from './format/units.ts';
import type { Entry, Looks } from './text/page.ts';
import { entry, printPage } from './text/page.ts';
import { line, span } from './text/lines.ts';
import { padEnd, textWidth } from './text/width.ts';

const MOST = 20;
const MOST_NAME = 24;

/**
 * The last words of an apply that did nothing although there is something to do: what was not done, why, what to type.
 * Empty if nothing stood in the way.
 */
export function renderNothingDone(plan: Plan, looks: Looks): string {
  const errors = errorsIn(plan.problems);
  const blocking = blockingProblems(plan.changes);
  if (errors.length + blocking.length === 0) return '';
  if (errors.length === 0) {
    const words = `Nothing was changed: ${blockedWords(plan.summary.blocked)}.`;
    return printPage(
      [entry(line(span(words, 'remove')), 2), ...blockedEntries(plan.changes, fixesOf(blocking).length !== 1), nextEntry(plan, blocking)],
      looks,
    );
  }
  const refused = `Refused. Nothing was changed${hasChanges(plan) ? `: what is planned above (${planned(plan)}) was not done` : ''}.`;
  const rows = errors.slice(0, MOST).flatMap((problem) => rowsOf('', 0, problem, fixesOf(errors).length !== 1));
  return printPage([entry(line(span(refused, 'remove')), 2), ...rows, ...rest(errors.length), nextEntry(plan, errors)], looks);
}

/** "1 model is blocked". */
export function blockedWords(blocked: number): string {
  return `${counted(blocked, 'model')} ${blocked === 1 ? 'is' : 'are'} blocked`;
}

/** Each blocked model and why; and what to do about it, unless `fixes` says that {@link nextEntry} follows and has all of it. */
export function blockedEntries(changes: readonly Change[], fixes = true): readonly Entry[] {
  const blocked = changes.filter((change) => change.action === 'blocked');
  const width = Math.min(MOST_NAME, Math.max(0, ...blocked.map(({ model }) => textWidth(model))));
  const rows = blocked
    .slice(0, MOST)
    .flatMap(({ model, problem, others = [] }) => [problem, ...others].flatMap((each) => rowsOf(model, width, each, fixes)));
  return [...rows, ...rest(blocked.length)];
}

/** What to do first. One problem's own fix, in the place where people look last; of several each says its own above. */
export function nextEntry({ mode }: Plan, problems: readonly Problem[]): Entry {
  const fixes = fixesOf(problems);
  const [only] = fixes;
  const words = fixes.length === 1 && only !== undefined ? only : `Mend what is said above; \`llmops ${mode}\` then does the rest.`;
  return entry(line(span('Next: ', 'strong'), words), 6);
}

function fixesOf(problems: readonly Problem[]): readonly string[] {
  return [...new Set(problems.flatMap(({ fix }) => fix ?? []))];
}

function rowsOf(model: string, width: number, { summary, code, fix }: Problem, fixes: boolean): readonly Entry[] {
  const label = width === 0 ? '' : `${padEnd(model, width)}  `;
  const indent = 4 + (width === 0 ? 0 : width + 2);
  const row = entry(line('  ', span('✗', 'remove'), ` ${label}${summary} [${code}]`), indent);
  return fix === undefined || !fixes ? [row] : [row, entry(line(' '.repeat(indent), `fix: ${fix}`), indent + 5)];
}

/** "1 to add, 2 to destroy". */
function planned({ summary, mode }: Plan): string {
  const parts = [
    [summary.adopt ?? 0, 'to take over'],
    [summary.create, 'to add'],
    [summary.update, 'to change'],
    [summary.replace, 'to replace'],
    [summary.delete, mode === 'down' ? 'to stop' : 'to destroy'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
  return said.length === 0 ? 'records only' : said.join(', ');
}

function rest(all: number): readonly Entry[] {
  return all > MOST ? [entry(line(span(`  … and ${all - MOST} more`, 'quiet')))] : [];
}
