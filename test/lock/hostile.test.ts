import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parseLock, writeLock } from '../../src/lock/index.ts';
import { renderProblemsText } from '../../src/render/problems.ts';
import { aliasBomb, mutationsOf } from '../hostile/yaml.ts';
import { takesMinutes } from '../guard/patience.ts';
import { hash, SAMPLE } from './sample.ts';

takesMinutes();

const TEXT = writeLock(null, SAMPLE);

/** Reads a text and checks what must hold for any text at all. Gives the codes of the problems. */
function read(content: string | Uint8Array): readonly string[] {
  const { lock, places, problems } = parseLock(content, 'llmops.lock', hash);
  expect(lock === null).toBe(problems.length > 0);
  expect(Object.keys(places).sort()).toEqual(Object.keys(lock?.models ?? {}).sort());
  for (const { code, summary, place, mark, excerpt, fix } of problems) {
    expect(code).toMatch(/^[a-z][a-z0-9-]+$/);
    expect(summary).not.toMatch(/\n|\[object|NaN/);
    expect(place?.file ?? 'llmops.lock').toBe('llmops.lock');
    if (place) expect(Math.min(place.line, place.column)).toBeGreaterThan(0);
    if (mark) expect(mark.from).toBeLessThanOrEqual(excerpt!.length);
    expect(excerpt?.length ?? 0).toBeLessThan(200);
    if (code !== 'yaml-syntax' && code !== 'yaml-alias-explosion' && !code.startsWith('yaml-')) expect(fix, code).toBeTruthy();
  }
  expect(renderProblemsText(problems.slice(0, 20), { color: true, width: Infinity })).not.toMatch(/\bundefined\b/);
  // What can be read can be written again.
  if (lock !== null) expect(writeLock(null, lock)).toContain('version: 1');
  return problems.map(({ code }) => code);
}

const at = fc.nat({ max: TEXT.length });
const mutation = mutationsOf(TEXT);

describe('Any file at all gives a lock or problems', () => {
  it('when a good one is mutated in thousands of ways', () => {
    fc.assert(
      fc.property(
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        (mutations) => void read(mutations.reduce((text, mutate) => mutate(text), TEXT)),
      ),
      { numRuns: 300 },
    );
  });

  it('when it is random bytes, random text, or random JSON under the known keys', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void read(bytes)),
      { numRuns: 150 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void read(text)),
      { numRuns: 150 },
    );
    const json = fc.jsonValue({ maxDepth: 4 });
    const entry = fc.dictionary(fc.constantFrom('source', 'files', 'facts', 'commit', 'repository', 'url', 'x'), json);
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('chat', 'a@b', '__proto__', 'constructor', 'A'), fc.oneof(json, entry)),
        json,
        (models, engines) => {
          read(JSON.stringify({ version: 1, models, engines }));
        },
      ),
      { numRuns: 300 },
    );
    expect(({} as Record<string, unknown>)['source']).toBeUndefined();
  });

  it('when it is cut off anywhere, and never a lock that lacks something', () => {
    const end = TEXT.indexOf('\nengines:') + '\nengines:'.length;
    for (let length = 0; length < end; length += 7) expect(read(TEXT.slice(0, length)), TEXT.slice(0, length)).not.toEqual([]);
  });

  it('when bytes of it are flipped: a digest, size or name that changed is noticed, or is another one', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(at, fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }), (flips) => {
        const bytes = new TextEncoder().encode(TEXT);
        for (const [index, value] of flips) bytes[index] = value;
        read(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe('Lock files that were made to hurt end with clear problems', () => {
  const hostile: readonly (readonly [string, string, readonly string[]])[] = [
    ['10 MB of text', 'x'.repeat(10_000_000), ['yaml-too-large']],
    ['10 MB of a lock', TEXT.repeat(2000).slice(0, 10_000_000), ['yaml-too-large']],
    ['an alias bomb', `version: 1\n${aliasBomb(30)}`, ['yaml-alias-explosion']],
    ['100,000 open brackets', `version: ${'['.repeat(100_000)}`, ['yaml-too-deep']],
    ['100,000 nested list items', `version:\n  ${'- '.repeat(100_000)}x`, ['yaml-too-deep']],
    ['a zero byte', 'version: 1\n\u0000\n', ['yaml-control-character']],
    ['an escape code behind an escape', 'version: 1\nmodels:\n  a: { source: "\\e[31m" }\nengines: {}\n', ['invalid-value', 'missing-key']],
  ];
  it.each(hostile)('%s', (_, text, codes) => {
    expect([...read(text)].sort()).toEqual(codes);
  });

  it('hundreds of kilobytes of comments, of anchors, of duplicate keys, of entries', () => {
    const fill = (line: (index: number) => string): string => {
      const lines: string[] = [];
      for (let size = 0, index = 0; size < 400_000; index += 1) size += lines[lines.push(line(index)) - 1]!.length;
      return `version: 1\nmodels:\n${lines.join('')}engines: {}\n`;
    };
    expect(read(fill(() => '#\n'))).toEqual([]);
    expect(new Set(read(fill((index) => `  m${index}: &a${index} {}\n`)))).toEqual(new Set(['lock-anchor', 'too-many-problems']));
    expect(new Set(read(fill(() => '  a: {}\n')))).toEqual(new Set(['yaml-duplicate-key', 'too-many-problems']));
    expect(new Set(read(fill((index) => `  m${index}: { sha: 1 }\n`)))).toEqual(
      new Set(['unknown-key', 'missing-key', 'too-many-problems']),
    );
    expect(new Set(read('<<<<<<< a\n'.repeat(40_000)))).toEqual(new Set(['lock-conflict', 'too-many-problems']));
  });

  it('UTF-16 and bytes that are not UTF-8', () => {
    expect(read(Uint8Array.of(0xff, 0xfe, 0x76, 0x00))).toEqual(['yaml-encoding']);
    expect(read(Uint8Array.of(...new TextEncoder().encode('version: 1\n# '), 0xff, 0x0a))).toEqual(['yaml-encoding']);
  });

  it('a file name that would lead out of the folder of weights', () => {
    for (const path of ['../x', '/etc/cron.d/x', 'a/../../x', 'a//b', './x', 'C:\\x', '..', 'a/']) {
      const text = `version: 1\nmodels:\n  a:\n    source: hf:a/b\n    files: [{ path: '${path}', bytes: 1, sha256: ${hash('a')} }]\nengines: {}\n`;
      expect(read(text), path).toEqual(['invalid-path']);
    }
  });
});
