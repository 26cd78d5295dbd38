import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/index.ts';
import { renderProblemsText } from '../../src/render/problems.ts';

// One folder for each rule: llmops.yaml, and problems.txt (what is said) or desired.json (what is understood).
// `UPDATE=1 npx vitest run test/config` writes the second part anew; read the difference before you commit it.
// A first line `# --env NAME` chooses an environment.
const CASES = join(import.meta.dirname, 'cases');
const names = readdirSync(CASES).sort();

function outcome(name: string): { readonly part: 'problems.txt' | 'desired.json'; readonly text: string } {
  const bytes = readFileSync(join(CASES, name, 'llmops.yaml'));
  const environment = /^# --env (\S+)/.exec(bytes.toString('utf8'))?.[1] ?? null;
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const { desired, problems } = readConfig({ file: 'llmops.yaml', bytes, folderName: name, environment, hash });
  if (desired === null) return { part: 'problems.txt', text: renderProblemsText(problems, { color: false, width: Infinity }) };
  const { places: _places, revision: _revision, inert, ...rest } = desired;
  const said = inert.map(({ path, reason, place }) => `${place?.line}:${place?.column} ${path}: ${reason}`);
  return { part: 'desired.json', text: `${JSON.stringify({ ...rest, inert: said }, null, 2)}\n` };
}

describe('llmops.yaml, one folder for each rule', () => {
  it('has at least fifty rules', () => {
    expect(names.length).toBeGreaterThanOrEqual(50);
  });

  for (const name of names) {
    it(name.replaceAll('-', ' '), () => {
      const { part, text } = outcome(name);
      const other = part === 'problems.txt' ? 'desired.json' : 'problems.txt';
      if (process.env['UPDATE'] === '1') {
        rmSync(join(CASES, name, other), { force: true });
        writeFileSync(join(CASES, name, part), text);
      }
      expect(readdirSync(join(CASES, name)).sort()).toEqual(['llmops.yaml', part].sort());
      expect(existsSync(join(CASES, name, part)) ? readFileSync(join(CASES, name, part), 'utf8') : null).toBe(text);
    });
  }
});
