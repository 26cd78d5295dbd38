import type { Problem } from '../domain/problem.ts';

/** A decoded text file that knows its lines. */
export interface TextFile {
  /** As people should see it. */
  readonly path: string;
  readonly text: string;
  /** Line and column (from 1) of an offset. */
  position(offset: number): { readonly line: number; readonly column: number };
  /** The line's text without its end. */
  line(line: number): { readonly text: string; readonly start: number };
}

/** 2 MiB: about 12,000 models. Larger files are a mistake or an attack: the worst text of this size costs the parser seconds. */
export const MAX_BYTES = 2 * 1024 * 1024;

/** Text with its lines indexed. */
export function textFile(path: string, text: string): TextFile {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const indexOf = (offset: number): number => {
    let low = 0;
    for (let high = starts.length - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    path,
    text,
    position(offset) {
      const index = indexOf(offset);
      return { line: index + 1, column: offset - starts[index]! + 1 };
    },
    line(line) {
      const start = starts[line - 1] ?? text.length;
      const end = starts[line] ?? text.length;
      return { text: text.slice(start, end).replace(/\r?\n$/, ''), start };
    },
  };
}

/** Bytes to text: UTF-8 only, a byte order mark is dropped. One problem at most: after it nothing else can be said. */
export function decode(path: string, bytes: Uint8Array): { readonly file: TextFile } | { readonly problem: Problem } {
  const fail = (problem: Omit<Problem, 'severity'>): { readonly problem: Problem } => ({ problem: { severity: 'error', ...problem } });
  if (bytes.length > MAX_BYTES) {
    return fail({
      code: 'yaml-too-large',
      summary: `the file has ${(bytes.length / 1024 / 1024).toFixed(1)} MiB`,
      expected: `at most ${MAX_BYTES / 1024 / 1024} MiB`,
      fix: 'Check that this is the right file; split it into several stacks if it is.',
      place: { file: path, line: 1, column: 1 },
    });
  }
  if (isUtf16(bytes)) return fail({ ...NOT_UTF8, summary: 'the file is UTF-16', place: { file: path, line: 1, column: 1 } });
  const invalid = firstInvalidUtf8(bytes);
  if (invalid) return fail({ ...NOT_UTF8, summary: 'there are bytes that are not UTF-8', place: { file: path, ...invalid } });
  const file = textFile(path, new TextDecoder('utf-8').decode(bytes));
  const control = CONTROL.exec(file.text);
  if (!control) return { file };
  const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return fail({
    code: 'yaml-control-character',
    summary: `there is a control character, U+${code}`,
    expected: 'text',
    fix: 'Remove it; if the file shows as gibberish, it is not a text file.',
    place: { file: path, ...file.position(control.index) },
  });
}

const NOT_UTF8 = { code: 'yaml-encoding', expected: 'UTF-8', fix: 'Save the file as UTF-8.' };
/** Characters that have no place in a text file. */
export const CONTROL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\uFFFE\uFFFF]/;

function isUtf16(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}

function firstInvalidUtf8(bytes: Uint8Array): { readonly line: number; readonly column: number } | null {
  if (isUtf8(bytes)) return null;
  let start = 0;
  for (let line = 1; ; line += 1) {
    const next = bytes.indexOf(0x0a, start);
    const part = bytes.subarray(start, next === -1 ? bytes.length : next);
    if (!isUtf8(part))
      return { line, column: Math.max(1, new TextDecoder('utf-8', { ignoreBOM: true }).decode(part).indexOf('\uFFFD') + 1) };
    if (next === -1) return { line, column: 1 };
    start = next + 1;
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
