import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Kind } from '../../src/config/schema/expand.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/problems.md'), 'utf8');
const documented = new Set([...page.matchAll(/`([a-z][a-z0-9-]+)`/g)].map((match) => match[1]));

function codesIn(folder: string): readonly string[] {
  const files = globSync(`${folder}/**/*.ts`, { cwd: root }).filter((file) => !/\.test\.ts$|(^|\/)fake(-[\w-]+)?\.ts$|\/fake\//.test(file));
  return [
    ...new Set(
      files.flatMap((file) =>
        [...readFileSync(join(root, file), 'utf8').matchAll(/\bcode: '([a-z][a-z0-9-]+)'/g)].map((match) => match[1]!),
      ),
    ),
  ].sort();
}

describe('docs/problems.md', () => {
  it('explains every code that the sources give', () => {
    const codes = codesIn('src');
    expect(codes.length).toBeGreaterThan(50);
    expect(codes.filter((code) => !documented.has(code))).toEqual([]);
  });

  it('explains the codes that are made from the kind of a text', () => {
    const kinds: readonly Exclude<Kind, 'secret'>[] = ['size', 'duration', 'path', 'program', 'url', 'source', 'address', 'sha256'];
    expect(kinds.map((kind) => `invalid-${kind}`).filter((code) => !documented.has(code))).toEqual([]);
  });

  it('explains no code of llmops.yaml that no case or hostile file shows', () => {
    const shown = globSync('test/config/cases/*/problems.txt', { cwd: root }).flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\[([a-z0-9-]+)\]$/gm)].map((match) => match[1]!),
    );
    const hostile = readFileSync(join(import.meta.dirname, 'hostile.test.ts'), 'utf8');
    expect(codesIn('src/config').filter((code) => !shown.includes(code) && !hostile.includes(`'${code}'`))).toEqual([]);
  });
});
