import type { Problem } from '../domain/problem.ts';

/** Problems as a JUnit report: one failed test case each; one passed case for the file if there are none. */
export function renderProblemsJunit(problems: readonly Problem[], options: { readonly file: string }): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const cases =
    problems.length === 0
      ? [`    <testcase name="${escape(options.file)}" classname="llmops.validate"/>`]
      : problems.map((problem) => testCase(problem, options.file));
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="${cases.length}" failures="${errors}">
  <testsuite name="llmops validate" tests="${cases.length}" failures="${errors}">
${cases.join('\n')}
  </testsuite>
</testsuites>
`;
}

function testCase(problem: Problem, file: string): string {
  const { place, code, summary, expected, fix } = problem;
  const where = place ? `${place.file}:${place.line}:${place.column}` : file;
  const name = `    <testcase name="${escape(`${where} ${code}`)}" classname="llmops.validate" file="${escape(place?.file ?? file)}"${place ? ` line="${place.line}"` : ''}`;
  const text = [`${where}: ${summary}`, expected === undefined ? '' : `expected: ${expected}`, fix === undefined ? '' : `fix: ${fix}`]
    .filter((line) => line !== '')
    .join('\n');
  if (problem.severity !== 'error') return `${name}>\n      <system-out>${escape(text)}</system-out>\n    </testcase>`;
  return `${name}>\n      <failure type="${escape(code)}" message="${escape(summary)}">${escape(text)}</failure>\n    </testcase>`;
}

/** XML 1.0 text: forbidden characters are removed, markup is escaped. */
function escape(text: string): string {
  const allowed = text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '');
  return allowed.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
