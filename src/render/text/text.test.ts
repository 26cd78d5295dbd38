import { describe, expect, test } from 'vitest';
import type { Span } from './lines.ts';
import { clean } from './clean.ts';
import { line, lineWidth, paint, span, whole, wrap } from './lines.ts';
import { tableLines } from './table.ts';
import { keepEnd, keepStart, textWidth } from './width.ts';
import { bytes, duration, grouped, sameUnit } from '../format/units.ts';
import { valuePair } from '../format/values.ts';

function rows(width: number, ...parts: readonly (string | Span)[]): readonly string[] {
  return wrap(line(...parts), width, 4).map((row) => paint(row, false));
}

describe('text from the world', () => {
  test.each([
    ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['a\r\n\tb', 'a b'],
    ['\u202eevil', '\\u{202e}evil'],
    ['\x9b2J', '\\x9b2J'],
    ['zero\u200bwidth', 'zero\\u{200b}width'],
    ['grüße 你好 ✓', 'grüße 你好 ✓'],
  ])('%j is shown as %j', (text, shown) => {
    expect(clean(text)).toBe(shown);
  });
});

describe('a line', () => {
  test('breaks at spaces and goes on at its hanging column', () => {
    expect(rows(16, '  one two three four')).toEqual(['  one two three', '    four']);
  });

  test('keeps what belongs together on one row', () => {
    expect(rows(16, 'one two ', whole('(three four)'))).toEqual(['one two', '    (three four)']);
  });

  test('leaves a word that is too long whole, so that it can be copied', () => {
    expect(rows(10, 'see /a/very/long/path')).toEqual(['see', '    /a/very/long/path']);
  });

  test('counts columns, not characters', () => {
    expect(textWidth('你好')).toBe(4);
    expect(textWidth('e\u0301')).toBe(1);
    expect(lineWidth(line('a', span('你')))).toBe(3);
  });

  test('is coloured only if that was asked for', () => {
    expect(paint(line(span('+', 'add')), true)).toBe('\x1b[32m+\x1b[0m');
    expect(paint(line(span('+', 'add')), false)).toBe('+');
  });
});

test('a cut keeps the end of a path and the start of a name', () => {
  expect(keepEnd('/home/alice/stacks/llmops.yaml:15', 16)).toBe('…/llmops.yaml:15');
  expect(keepStart('a-very-long-name', 8)).toBe('a-very-…');
});

test('a table shrinks only the columns that may, and drops none', () => {
  const columns = [{ title: 'NAME', shrinks: 'end' }, { title: 'AT' }] as const;
  const shown = tableLines(columns, [[span('a-rather-long-model-name'), span('http://127.0.0.1:41234')]], 36).map((row) =>
    paint(row, false),
  );
  expect(shown).toEqual(['NAME          AT', 'a-rather-lo…  http://127.0.0.1:41234']);
});

describe('quantities', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [640 * 1024 ** 2, '640 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
  ])('%d bytes are %s', (count, text) => {
    expect(bytes(count)).toBe(text);
  });

  test('to compare share a unit', () => {
    expect(sameUnit([200 * 1024 ** 2, 18 * 1024 ** 3])).toEqual({ texts: ['0.2', '18.0'], unit: 'GiB' });
  });

  test.each([
    [0, '0 s'],
    [350, '350 ms'],
    [1800, '1.8 s'],
    [60_000, '60 s'],
    [270_000, '4 m 30 s'],
    [7_500_000, '2 h 5 m'],
    [6 * 86_400_000, '6 d'],
  ])('%d ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test('large counts have commas', () => {
    expect(grouped(1_234_567)).toBe('1,234,567');
  });
});

test('two digests that start alike are shown whole', () => {
  const [a, b] = ['8d1f0c2a'.repeat(8), `8d1f0c2a${'0'.repeat(56)}`];
  expect(valuePair('digest', a, b)).toEqual([a, b]);
  expect(valuePair('digest', a, 'f'.repeat(64))).toEqual(['sha256:8d1f0c2a…', 'sha256:ffffffff…']);
});
