import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serviceFile } from '../../../src/render/service/index.ts';
import { FACTS, readCases } from './case.ts';

const cases = readCases();

/** UPDATE=1 writes what is printed now. Read the difference before you commit it. */
describe('The book of service files', () => {
  it.each(cases)('$name: $rule', ({ folder, kind, facts }) => {
    const file = join(folder, 'service.txt');
    const text = serviceFile(kind, facts);
    if (process.env['UPDATE'] === '1') writeFileSync(file, text);
    expect(existsSync(file), `${file} is missing: run with UPDATE=1, then read it`).toBe(true);
    expect(text.split('\n')).toEqual(readFileSync(file, 'utf8').split('\n'));
  });

  it('has whole cases only', () => {
    for (const { folder, name, rule } of cases) {
      expect(readdirSync(folder).sort(), name).toEqual(['facts.yaml', 'service.txt']);
      expect(rule, name).toMatch(/^[A-Z].{15,}\.$/);
    }
  });
});

describe('A service file', () => {
  it.each(['systemd', 'launchd', 'container'] as const)('of %s cannot be given lines by the name of a folder', (kind) => {
    for (const folder of ['/srv/a\nExecStartPre=/bin/evil', '/srv/a\u0000', '/srv/\ud800'])
      expect(() => serviceFile(kind, { ...FACTS, args: ['up', '-C', folder] })).toThrow('control characters');
  });
});
