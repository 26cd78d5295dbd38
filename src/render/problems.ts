import type { Problem } from '../domain/problem.ts';
import { clean } from './text/clean.ts';
import { textWidth } from './text/width.ts';

export { renderProblemsGithub } from './problems-github.ts';
export { renderProblemsJunit } from './problems-junit.ts';
export { renderProblemsSarif } from './problems-sarif.ts';

/** Problems for people: where, the line with a mark under the spot, what is expected, what to do. Ends with a newline; empty for no problems. */
export function renderProblemsText(problems: readonly Problem[], options: { readonly color: boolean }): string {
  const paint = options.color
    ? (code: number, text: string): string => `\u001B[${code}m${text}\u001B[0m`
    : (_: number, text: string): string => text;
  if (problems.length === 0) return '';
  return `${problems.map((problem) => one(problem, paint)).join('\n')}${total(problems)}`;
}

type Paint = (code: number, text: string) => string;
const BOLD = 1;
const DIM = 2;
const CYAN = 36;
const COLORS = { error: 31, warning: 33, info: 36 } as const;

function one(problem: Problem, paint: Paint): string {
  const lines = [
    `${paint(COLORS[problem.severity], problem.severity)}: ${paint(BOLD, clean(problem.summary))} ${paint(DIM, `[${problem.code}]`)}`,
  ];
  if (problem.place) lines.push(...quote(problem, problem.place.line, paint));
  if (problem.expected !== undefined) lines.push(`  expected: ${clean(problem.expected)}`);
  if (problem.fix !== undefined) lines.push(`  ${paint(CYAN, 'fix')}:      ${clean(problem.fix)}`);
  for (const detail of problem.details ?? []) lines.push(`  ${paint(DIM, '|')} ${clean(detail)}`);
  return `${lines.join('\n')}\n`;
}

function quote(problem: Problem, line: number, paint: Paint): readonly string[] {
  const place = problem.place!;
  const where = `  ${paint(DIM, '-->')} ${clean(place.file)}:${place.line}:${place.column}`;
  if (problem.excerpt === undefined || problem.excerpt === '') return [where];
  const number = String(line);
  const gutter = ' '.repeat(number.length);
  const { from, length } = problem.mark ?? { from: place.column - 1, length: (place.endColumn ?? place.column + 1) - place.column };
  const [before, marked, after] = [
    problem.excerpt.slice(0, from),
    problem.excerpt.slice(from, from + length),
    problem.excerpt.slice(from + length),
  ].map(shown) as [string, string, string];
  const mark = ' '.repeat(textWidth(before)) + paint(COLORS[problem.severity], '^'.repeat(Math.max(1, textWidth(marked))));
  return [where, `  ${paint(DIM, `${number} |`)} ${before}${marked}${after}`, `  ${paint(DIM, `${gutter} |`)} ${mark}`];
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
