import type { Problem } from '../domain/problem.ts';

const LEVELS = { error: 'error', warning: 'warning', info: 'notice' } as const;

/** Problems as workflow commands of GitHub Actions: annotations beside the lines of a pull request. One line each. */
export function renderProblemsGithub(problems: readonly Problem[]): string {
  return problems.map((problem) => `::${LEVELS[problem.severity]} ${properties(problem)}::${data(message(problem))}\n`).join('');
}

function message({ summary, expected, fix }: Problem): string {
  return [summary, expected === undefined ? '' : `Expected: ${expected}`, fix === undefined ? '' : `Fix: ${fix}`]
    .filter((text) => text !== '')
    .join('\n');
}

function properties({ place, code }: Problem): string {
  const end = place?.endColumn === undefined ? [] : [`endLine=${place.line}`, `endColumn=${place.endColumn}`];
  const at = place ? [`file=${property(place.file)}`, `line=${place.line}`, `col=${place.column}`, ...end] : [];
  return [...at, `title=${property(code)}`].join(',');
}

/** Escapes as in actions/toolkit, core/src/command.ts. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
