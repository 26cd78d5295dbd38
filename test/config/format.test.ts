import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { formatConfig } from '../../src/config/index.ts';

const FULL = readFileSync(join(import.meta.dirname, 'full.yaml'), 'utf8');

describe('Formatting llmops.yaml', () => {
  it('writes one style: two spaces, lists below their key, quotes only where needed', () => {
    const text =
      '# a stack\nversion:   1\n\n\n\nmodels:\n    chat:   # ours\n        backend: "local"\n        fallback:\n        - \'a\'\n        - "yes"\n        - "12"\n    code: {backend:   local, options: {args: [ "-x" ]}}\nbackends: {}\n';
    expect(formatConfig(text)).toBe(
      "# a stack\nversion: 1\n\nmodels:\n  chat: # ours\n    backend: local\n    fallback:\n      - a\n      - yes\n      - '12'\n  code: { backend: local, options: { args: [-x] } }\nbackends: {}\n",
    );
  });

  it('keeps every comment, the order of keys, and block texts', () => {
    const text = '# one\nb: 1 # two\n# three\na: |\n  kept  \n\n\n  as is\nc:\n  # four\n  - 1\n';
    expect(formatConfig(text)).toBe(text);
  });

  it('drops a byte order mark and Windows line ends', () => {
    expect(formatConfig('\uFEFFversion: 1\r\nname: a\r\n')).toBe('version: 1\nname: a\n');
  });

  it('leaves text alone that is not YAML', () => {
    for (const text of ['a: [', '\tb: 1', 'a: "x', 'a: 1\n---\nb: 2\n', '', '# only this\n']) expect(formatConfig(text)).toBe(text);
  });

  it('keeps the meaning of any data and is stable', () => {
    const style = fc.record({
      indent: fc.constantFrom(2, 3, 4),
      indentSeq: fc.boolean(),
      collectionStyle: fc.constantFrom('any' as const, 'flow' as const),
      defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const),
    });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 4 })), style, (data, options) => {
        const text = stringify(data, options);
        const formatted = formatConfig(text);
        expect(parse(formatted)).toEqual(parse(text));
        expect(formatConfig(formatted)).toBe(formatted);
      }),
      { numRuns: 400 },
    );
  });

  it('keeps the meaning of the full example with lines removed or indented, and is stable', () => {
    const lines = FULL.split('\n');
    fc.assert(
      fc.property(fc.subarray(lines, { minLength: 3 }), (rows) => {
        const text = rows.join('\n');
        const formatted = formatConfig(text);
        expect(formatConfig(formatted)).toBe(formatted);
        if (formatted !== text) expect(parse(formatted, { uniqueKeys: false })).toEqual(parse(text, { uniqueKeys: false }));
      }),
      { numRuns: 300 },
    );
  });
});
