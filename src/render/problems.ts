import type { Place, Problem } from '../domain/problem.ts';
import { clean } from './text/clean.ts';
import { line, span } from './text/lines.ts';
import { entry, printPage, type Entry, type Looks } from './text/page.ts';
import { textWidth } from './text/width.ts';

export { renderProblemsGithub } from './problems-github.ts';
export { renderProblemsJunit } from './problems-junit.ts';
export { renderProblemsSarif } from './problems-sarif.ts';

/** Problems for people: where, the line with a mark under the spot, what is expected, what to do. Ends with a newline; empty for no problems. */
export function renderProblemsText(problems: readonly Problem[], looks: Looks): string {
  if (problems.length === 0) return '';
  return `${problems.map((problem) => printPage(one(problem), looks)).join('\n')}${total(problems)}`;
}

const TONES = { error: 'remove', warning: 'change', info: 'note' } as const;
/** Where the words of `expected:` and `fix:` begin. */
const HANG = 12;

function one(problem: Problem): readonly Entry[] {
  const { severity, summary, code, place, expected, fix, details = [] } = problem;
  return [
    entry(line(span(severity, TONES[severity]), ': ', span(summary, 'strong'), ' ', span(`[${code}]`, 'quiet')), 2),
    ...(place === undefined ? [] : quote(problem, place)),
    ...(expected === undefined ? [] : [entry(line(`  expected: ${expected}`), HANG)]),
    ...(fix === undefined ? [] : [entry(line('  ', span('fix', 'note'), `:      ${fix}`), HANG)]),
    ...details.map((detail) => entry(line('  ', span('|', 'quiet'), ` ${detail}`), 4)),
  ];
}

/** Never wrapped: the mark stands below its spot. */
function quote(problem: Problem, place: Place): readonly Entry[] {
  const where = entry(line('  ', span('-->', 'quiet'), ` ${place.file}:${place.line}:${place.column}`));
  if (problem.excerpt === undefined || problem.excerpt === '') return [{ ...where, whole: true }];
  const number = String(place.line);
  const gutter = ' '.repeat(number.length);
  const { from, length } = problem.mark ?? { from: place.column - 1, length: (place.endColumn ?? place.column + 1) - place.column };
  const [before, marked, after] = [
    problem.excerpt.slice(0, from),
    problem.excerpt.slice(from, from + length),
    problem.excerpt.slice(from + length),
  ].map(shown) as [string, string, string];
  const mark = span('^'.repeat(Math.max(1, textWidth(marked))), TONES[problem.severity]);
  const rows = [
    where,
    entry(line('  ', span(`${number} |`, 'quiet'), ` ${before}${marked}${after}`)),
    entry(line('  ', span(`${gutter} |`, 'quiet'), ` ${' '.repeat(textWidth(before))}`, mark)),
  ];
  return rows.map((row) => ({ ...row, whole: true }));
}

function total(problems: readonly Problem[]): string {
  if (problems.length === 1) return '';
  const count = (severity: Problem['severity'], word: string): string => {
    const number = problems.filter((problem) => problem.severity === severity).length;
    return number === 0 ? '' : `${number} ${word}${number === 1 || word === 'info' ? '' : 's'}`;
  };
  return `\n${[count('error', 'error'), count('warning', 'warning'), count('info', 'info')].filter((text) => text !== '').join(', ')}\n`;
}

/** A part of a line, safe for a terminal. A tab takes one column, so that the mark below stands where it should. */
function shown(part: string): string {
  return clean(part.replaceAll('\t', ' '));
}

/** Problems as a JSON document with a published form. */
export function renderProblemsJson(problems: readonly Problem[]): string {
  return `${JSON.stringify({ formatVersion: '1.0', problems }, null, 2)}\n`;
}
