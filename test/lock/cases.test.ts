import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareLock, lockProblems, parseLock } from '../../src/lock/index.ts';
import { renderProblemsText } from '../../src/render/problems.ts';
import { declared, withEnvironment } from './declared.ts';
import { hash } from './sample.ts';

// One folder for each rule: llmops.lock, llmops.yaml unless the lock itself is wrong, and says.txt: what is said of them.
// `UPDATE=1 npx vitest run test/lock` writes the last part anew; read the difference before you commit it.
// A first line `# --env NAME` in llmops.yaml chooses an environment.
const CASES = join(import.meta.dirname, 'cases');
const names = readdirSync(CASES).sort();

function said(name: string): string {
  const file = (part: string): string => join(CASES, name, part);
  const { lock, places, problems } = parseLock(readFileSync(file('llmops.lock')), 'llmops.lock', hash);
  if (lock === null) return renderProblemsText(problems, { color: false, width: Infinity });
  const yaml = readFileSync(file('llmops.yaml'), 'utf8');
  const stack = declared(yaml);
  const desired = withEnvironment(stack, /^# --env (\S+)/.exec(yaml)?.[1] ?? null);
  const comparison = compareLock(desired, lock, stack);
  const rows = comparison.models.map(({ model, status, entry }) => `${model}: ${status}${entry === null ? '' : ` (${entry})`}\n`);
  const found = lockProblems({ comparison, desired, file: 'llmops.lock', places });
  return `${rows.join('')}${found.length === 0 ? '' : `\n${renderProblemsText(found, { color: false, width: Infinity })}`}`;
}

describe('llmops.lock, one folder for each rule', () => {
  it('has at least thirty rules', () => {
    expect(names.length).toBeGreaterThanOrEqual(30);
  });

  for (const name of names) {
    it(name.replaceAll('-', ' '), () => {
      const text = said(name);
      const path = join(CASES, name, 'says.txt');
      if (process.env['UPDATE'] === '1') writeFileSync(path, text);
      const parts = existsSync(join(CASES, name, 'llmops.yaml')) ? ['llmops.lock', 'llmops.yaml', 'says.txt'] : ['llmops.lock', 'says.txt'];
      expect(readdirSync(join(CASES, name)).sort()).toEqual(parts);
      expect(readFileSync(path, 'utf8')).toBe(text);
    });
  }
});
