import { describe, expect, it } from 'vitest';
import type { Problem } from '../domain/problem.ts';
import { renderProblemsGithub, renderProblemsJson, renderProblemsJunit, renderProblemsSarif, renderProblemsText } from './problems.ts';

const PROBLEM: Problem = {
  severity: 'error',
  code: 'unknown-key',
  summary: '"ctx" is not a key of `models.chat`',
  expected: 'one of context, parallel',
  fix: 'Did you mean `context`?',
  place: { file: 'stacks/llmops.yaml', line: 12, column: 5, endColumn: 8 },
  excerpt: '    ctx: 4096',
};
const BARE: Problem = { severity: 'warning', code: 'odd', summary: 'something is odd' };
const NASTY: Problem = {
  severity: 'error',
  code: 'bad',
  summary: 'a\n<b> & "c" \u001B[31m\u0000 100%, x: y',
  place: { file: 'a,b:c.yaml', line: 1, column: 3 },
  excerpt: '\t\u001B[2J漢字x',
  mark: { from: 7, length: 1 },
};

describe('Problems as text', () => {
  it('quote the line and mark the spot below it', () => {
    expect(renderProblemsText([PROBLEM], { color: false, width: Infinity })).toBe(
      [
        'error: "ctx" is not a key of `models.chat` [unknown-key]',
        '  --> stacks/llmops.yaml:12:5',
        '  12 |     ctx: 4096',
        '     |     ^^^',
        '  expected: one of context, parallel',
        '  fix:      Did you mean `context`?',
        '',
      ].join('\n'),
    );
  });

  it('break between words where a terminal is narrow, and never in the quoted line', () => {
    const long = { ...PROBLEM, summary: `${PROBLEM.summary}, and that is said at length`, excerpt: `    ctx: ${'4'.repeat(40)}` };
    const text = renderProblemsText([long], { color: false, width: 40 });
    expect(text.split('\n')).toEqual([
      'error: "ctx" is not a key of',
      '  `models.chat`, and that is said at',
      '  length [unknown-key]',
      '  --> stacks/llmops.yaml:12:5',
      `  12 |     ctx: ${'4'.repeat(40)}`,
      '     |     ^^^',
      '  expected: one of context, parallel',
      '  fix:      Did you mean `context`?',
      '',
    ]);
    expect(renderProblemsText([long], { color: true, width: 40 }).replace(/\u001B\[\d+m/g, '')).toBe(text);
  });

  it('are counted if there are several, and are nothing if there are none', () => {
    expect(renderProblemsText([PROBLEM, BARE, PROBLEM], { color: false, width: Infinity }).endsWith('\n\n2 errors, 1 warning\n')).toBe(
      true,
    );
    expect(renderProblemsText([], { color: true, width: Infinity })).toBe('');
  });

  it('say the same with and without colour', () => {
    expect(renderProblemsText([PROBLEM, BARE], { color: true, width: Infinity }).replace(/\u001B\[\d+m/g, '')).toBe(
      renderProblemsText([PROBLEM, BARE], { color: false, width: Infinity }),
    );
  });

  it('let no control character of a file through, and keep the mark under the right column', () => {
    const text = renderProblemsText([NASTY], { color: false, width: Infinity });
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/);
    const [quoted, mark] = text.split('\n').slice(2, 4) as [string, string];
    expect(mark.indexOf('^')).toBe(quoted.indexOf('x', quoted.indexOf('字')) + 2); // two wide characters before it
  });
});

describe('Problems for programs', () => {
  it('are a JSON document with a version', () => {
    expect(JSON.parse(renderProblemsJson([PROBLEM, BARE]))).toEqual({ formatVersion: '1.0', problems: [PROBLEM, BARE] });
  });

  it('are annotations on GitHub, one line each, escaped', () => {
    expect(renderProblemsGithub([PROBLEM])).toBe(
      '::error file=stacks/llmops.yaml,line=12,col=5,endLine=12,endColumn=8,title=unknown-key::"ctx" is not a key of `models.chat`%0AExpected: one of context, parallel%0AFix: Did you mean `context`?\n',
    );
    expect(renderProblemsGithub([BARE])).toBe('::warning title=odd::something is odd\n');
    expect(renderProblemsGithub([NASTY])).toContain('file=a%2Cb%3Ac.yaml,line=1');
    expect(renderProblemsGithub([NASTY]).trimEnd()).not.toContain('\n');
  });

  it('are a JUnit report that is well-formed for any text', () => {
    const report = renderProblemsJunit([PROBLEM, BARE, NASTY], { file: 'llmops.yaml' });
    expect(report).toContain('<testsuites tests="3" failures="2">');
    expect(report).toContain('<failure type="unknown-key" message="&quot;ctx&quot; is not a key of `models.chat`">');
    expect(report).toContain('&lt;b&gt; &amp; &quot;c&quot;');
    expect(report).not.toMatch(/[\u0000-\u0008\u000B\u000C\u000E-\u001F]/);
    expect(renderProblemsJunit([], { file: 'llmops.yaml' })).toContain('<testcase name="llmops.yaml" classname="llmops.validate"/>');
  });

  it('are SARIF 2.1.0 with rules and regions', () => {
    const sarif = JSON.parse(renderProblemsSarif([PROBLEM, BARE, PROBLEM, NASTY], { version: '1.2.3' })) as {
      version: string;
      runs: {
        tool: { driver: { rules: { id: string }[]; semanticVersion: string } };
        results: { ruleId: string; ruleIndex: number; level: string; locations?: unknown[] }[];
      }[];
    };
    const run = sarif.runs[0]!;
    expect([sarif.version, run.tool.driver.semanticVersion]).toEqual(['2.1.0', '1.2.3']);
    expect(run.tool.driver.rules.map(({ id }) => id)).toEqual(['bad', 'odd', 'unknown-key']);
    for (const result of run.results) expect(run.tool.driver.rules[result.ruleIndex]!.id).toBe(result.ruleId);
    expect(run.results.map(({ level }) => level)).toEqual(['error', 'warning', 'error', 'error']);
    expect(run.results[0]!.locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'stacks/llmops.yaml' },
          region: { startLine: 12, startColumn: 5, endColumn: 8, snippet: { text: '    ctx: 4096' } },
        },
      },
    ]);
    expect(run.results[1]!.locations).toBeUndefined();
    expect(JSON.stringify(run.results[3]!.locations)).toContain('a%2Cb%3Ac.yaml');
  });
});
