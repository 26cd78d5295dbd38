import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatConfig } from '../../src/config/index.ts';
import { settle } from '../../src/import/index.ts';
import { caseNames, CASES, check, importCase, textsOf } from './case.ts';

// One folder for each story: in.yaml or answers.json (what a server said), llmops.yaml and not-carried.txt (what import makes of it).
// `UPDATE=1 npx vitest run test/import` writes the last two anew; read the difference before you commit it.

function golden(name: string, file: string, text: string): void {
  const path = join(CASES, name, file);
  if (process.env['UPDATE'] === '1') writeFileSync(path, text);
  expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : null);
}

const OPTIONS = { stack: 'desk', schema: null };

describe('import, one folder for each story', () => {
  for (const name of caseNames) {
    it(name.replaceAll('-', ' '), () => {
      const { stack, notCarried } = textsOf(importCase(name));
      golden(name, 'llmops.yaml', stack);
      golden(name, 'not-carried.txt', notCarried);
    });
  }
});

describe('What is written', () => {
  it.each(caseNames)('%s: is valid, and formatted as fmt wants it', (name) => {
    const { text, left } = settle(importCase(name), OPTIONS, check);
    expect(left).toEqual([]);
    expect(check(text)).toEqual([]);
    expect(formatConfig(formatConfig(text))).toBe(formatConfig(text));
  });

  it.each(caseNames)('%s: shows no secret that stood in the input', (name) => {
    const { imported, text } = settle(importCase(name), OPTIONS, check);
    expect(text + JSON.stringify(imported)).not.toMatch(/canary/);
  });

  it.each(caseNames)('%s: llmops has a key for all of it', (name) => {
    const imported = importCase(name);
    expect(settle(imported, OPTIONS, check).imported.notCarried).toEqual(imported.notCarried);
  });
});
