import type { Problem } from '../domain/problem.ts';

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const;

/** Problems as SARIF 2.1.0 (OASIS standard), for code scanning. */
export function renderProblemsSarif(problems: readonly Problem[], options: { readonly version: string }): string {
  const codes = [...new Set(problems.map(({ code }) => code))].sort();
  const document = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'llmops', semanticVersion: options.version, rules: codes.map(rule) } },
        columnKind: 'utf16CodeUnits',
        results: problems.map((problem) => result(problem, codes)),
      },
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function rule(code: string): object {
  const words = code.replaceAll('-', ' ');
  return {
    id: code,
    shortDescription: { text: words.charAt(0).toUpperCase() + words.slice(1) },
    help: { text: `See docs/problems.md, ${code}.` },
  };
}

function result(problem: Problem, codes: readonly string[]): object {
  const { code, summary, expected, fix, place } = problem;
  const text = [`${summary}.`, expected === undefined ? '' : `Expected ${expected}.`, fix ?? '']
    .filter((sentence) => sentence !== '')
    .join(' ');
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: LEVELS[problem.severity],
    message: { text },
    ...(place && { locations: [location(problem)] }),
  };
}

function location({ place, excerpt }: Problem): object {
  const { file, line, column, endColumn } = place!;
  const region = {
    startLine: line,
    startColumn: column,
    ...(endColumn !== undefined && { endColumn }),
    ...(excerpt && { snippet: { text: excerpt } }),
  };
  return { physicalLocation: { artifactLocation: { uri: uri(file) }, region } };
}

/** A path as a relative or file: URI reference. */
function uri(file: string): string {
  const path = file
    .replaceAll('\\', '/')
    .split('/')
    .map((step) => encodeURIComponent(step))
    .join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}
