import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatConfig, readConfig } from '../../src/config/index.ts';
import { renderProblemsText } from '../../src/render/problems.ts';
import { aliasBomb, mutationsOf } from '../hostile/yaml.ts';
import { takesMinutes } from '../guard/patience.ts';

takesMinutes();

const FULL = readFileSync(join(import.meta.dirname, 'full.yaml'), 'utf8');
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Reads bytes and checks what must hold for any bytes at all. Gives the codes of the problems. */
function read(bytes: Uint8Array, environment: string | null = null): readonly string[] {
  const { desired, problems } = readConfig({ file: 'llmops.yaml', bytes, folderName: 'stack', environment, hash });
  expect(desired === null).toBe(problems.length > 0);
  // A value that was turned into text by mistake; quoting the same word out of the file is none.
  const slips = ['undefined', '[object', 'NaN'].filter((word) => !Buffer.from(bytes).includes(word));
  for (const { place, mark, excerpt, code, summary } of problems) {
    expect(code).toMatch(/^[a-z][a-z0-9-]+$/);
    expect(summary).not.toContain('\n');
    for (const word of slips) expect(summary).not.toContain(word);
    if (place) expect(Math.min(place.line, place.column)).toBeGreaterThan(0);
    if (mark) expect(mark.from).toBeLessThanOrEqual(excerpt!.length);
    expect(excerpt?.length ?? 0).toBeLessThan(200);
  }
  for (const word of slips) expect(renderProblemsText(problems.slice(0, 20), { color: true, width: Infinity })).not.toContain(word);
  if (desired !== null) expect(hasUndefined(desired)).toBe(false);
  return problems.map(({ code }) => code);
}

function hasUndefined(value: unknown): boolean {
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return true;
  return value !== null && typeof value === 'object' && Object.values(value).some(hasUndefined);
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const at = fc.nat({ max: FULL.length });
const mutation = mutationsOf(FULL);
const environments = fc.constantFrom(null, 'prod', 'nope', '__proto__');

describe('Any file at all gives a stack or problems', () => {
  it('when the full example is mutated in thousands of ways', () => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), environments, (mutations, environment) => {
        read(encode(mutations.reduce((text, mutate) => mutate(text), FULL)), environment);
      }),
      { numRuns: 2000 },
    );
  });

  it('when bytes of the full example are flipped', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(at, fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }), (flips) => {
        const bytes = encode(FULL);
        for (const [index, value] of flips) bytes[index] = value;
        read(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('when it is random bytes, random text, or random JSON under the known keys', () => {
    const sections = fc.constantFrom(
      'name',
      'backends',
      'models',
      'prompts',
      'slos',
      'gateway',
      'daemon',
      'environments',
      'allowOutside',
      'x',
    );
    const json = fc.dictionary(sections, fc.jsonValue({ maxDepth: 5 }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void read(bytes)),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void read(encode(text))),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(json, (value) => void read(encode(JSON.stringify({ version: 1, ...value })))),
      { numRuns: 600 },
    );
  });

  it('when keys are spelled like the insides of JavaScript', () => {
    for (const word of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']) {
      for (const line of [
        `${word}: 1`,
        `models: { ${word}: { backend: ${word}, source: "${word}:x", options: { ${word}: 1 } } }`,
        `backends: { a: { type: ${word} } }`,
        `environments: { ${word}: { models: { ${word}: null } } }`,
      ]) {
        read(encode(`version: 1\n${line}\n`), word);
      }
    }
    expect(({} as Record<string, unknown>)['backend']).toBeUndefined();
  });
});

describe('Files that were made to hurt end with one clear problem', () => {
  const hostile: readonly (readonly [string, string, string])[] = [
    ['10 MB of text', 'x'.repeat(10_000_000), 'yaml-too-large'],
    ['an alias bomb', `version: 1\n${aliasBomb(30)}`, 'yaml-alias-explosion'],
    ['100,000 open brackets', `version: ${'['.repeat(100_000)}`, 'yaml-too-deep'],
    ['100,000 open braces', `version: ${'{a: '.repeat(100_000)}`, 'yaml-too-deep'],
    ['100,000 nested list items', `version:\n  ${'- '.repeat(100_000)}x`, 'yaml-too-deep'],
    ['2,000 nested maps', Array.from({ length: 2000 }, (_, level) => `${' '.repeat(level)}a:\n`).join(''), 'yaml-too-deep'],
    ['a zero byte', 'version: 1\n\u0000\n', 'yaml-control-character'],
    ['an escape code', 'version: 1\nname: \u001B[31m\n', 'yaml-control-character'],
  ];
  for (const [name, text, code] of hostile) {
    it(name, () => {
      expect(read(encode(text))).toEqual([code]);
      expect(formatConfig(text)).toBe(text);
    });
  }

  it('bytes that are not UTF-8, with their place', () => {
    const bytes = Uint8Array.of(...encode('version: 1\nname: a'), 0xff, 0x0a);
    const { problems } = readConfig({ file: 'f', bytes, folderName: 'x', environment: null, hash });
    expect(problems).toMatchObject([{ code: 'yaml-encoding', place: { line: 2, column: 8 } }]);
  });

  it('UTF-16', () => {
    expect(read(Uint8Array.of(0xff, 0xfe, 0x76, 0x00))).toEqual(['yaml-encoding']);
  });

  it('thirty thousand duplicate keys, capped', () => {
    const codes = read(encode(`version: 1\n${'a: 1\n'.repeat(30_000)}`));
    expect(codes.at(-1)).toBe('too-many-problems');
    expect(new Set(codes)).toEqual(new Set(['unknown-key', 'yaml-duplicate-key', 'too-many-problems']));
  });

  it('thirty thousand different keys that nobody knows, capped', () => {
    const codes = read(encode(`version: 1\n${Array.from({ length: 30_000 }, (_, index) => `key${index}: 1\n`).join('')}`));
    expect(new Set(codes)).toEqual(new Set(['unknown-key', 'too-many-problems']));
  });

  it('thousands of environments that each repeat a large model', () => {
    const big = `models: { a: { backend: b, source: file:a, fallback: [${Array.from({ length: 20_000 }, (_, index) => `b/m${index}`).join(', ')}] } }`;
    const overlays = Array.from({ length: 5000 }, (_, index) => `  e${index}: { models: { a: { parallel: 2 } } }\n`).join('');
    expect(read(encode(`version: 1\nbackends: { b: { type: embedded } }\n${big}\nenvironments:\n${overlays}`))).toEqual([
      'environments-too-large',
    ]);
  });

  it('a line of a megabyte is shown in part', () => {
    expect(
      read(encode(`version: 1\nbackends: { ${Array.from({ length: 30_000 }, (_, index) => `b${index}: { type: x }`).join(', ')} }\n`)),
    ).toContain('unknown-value');
  });
});

describe('What editors leave behind is no problem', () => {
  it('a byte order mark and Windows line ends mean the same as none', () => {
    const [plain, marked] = [FULL, `\uFEFF${FULL.replaceAll('\n', '\r\n')}`].map((text) =>
      readConfig({ file: 'f', bytes: encode(text), folderName: 'x', environment: null, hash }),
    );
    expect(marked!.problems).toEqual([]);
    expect(marked!.desired!.revision).toBe(plain!.desired!.revision);
    expect(marked!.desired!.places['models.chat.context']).toEqual(plain!.desired!.places['models.chat.context']);
  });
});
