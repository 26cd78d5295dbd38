import type { Span } from './located.ts';
import { isSecretLine, MASK, scrub, scrubComment, scrubLine, type SecretRanges } from './secrets.ts';
import type { TextFile } from './text.ts';

interface Excerpt {
  readonly excerpt: string;
  readonly mark: { readonly from: number; readonly length: number };
}

const WIDTH = 120;
/** Text further away than this cannot be shown anyway; a line of megabytes is not searched. */
const REACH = 2_000;

/** The line at a span, secrets masked and cut around the span, and what to mark in it. */
export function excerptOf(file: TextFile, [from, to]: Span, secrets: SecretRanges): Excerpt {
  const line = file.line(file.position(from).line);
  const column = Math.min(from - line.start, line.text.length);
  const end = Math.min(Math.max(column + 1, to - line.start), Math.max(line.text.length, column + 1));
  const near = Math.max(0, column - REACH);
  const show = (a: number, b: number): string => masked(line.text, line.start, Math.max(near, a), Math.min(b, column + REACH), secrets);
  const before = show(0, column);
  const marked = show(column, end);
  return cut(scrub(before), scrub(marked), scrubComment(show(end, line.text.length)), near > 0 || line.text.length > column + REACH);
}

/** The line at a span where the text could not be parsed: all that follows a secret's key, on its line or indented below it, is masked. */
export function brokenExcerpt(file: TextFile, [from]: Span): Excerpt {
  const { line, column } = file.position(from);
  const { text } = file.line(line);
  const shown = belongsToSecret(file, line) ? MASK : scrubLine(text.slice(0, REACH));
  const mark = Math.min(column - 1, shown.length);
  return cut(shown.slice(0, mark), shown.slice(mark, mark + 1), shown.slice(mark + 1), text.length > REACH);
}

function belongsToSecret(file: TextFile, line: number): boolean {
  const indent = (text: string): number => text.length - text.trimStart().length;
  const own = indent(file.line(line).text);
  for (let above = line - 1; above > 0 && line - above < 50; above -= 1) {
    const { text } = file.line(above);
    if (text.trim() === '' || indent(text) >= own) continue;
    return isSecretLine(text);
  }
  return false;
}

/** Columns `[a, b)` of a line with its secrets replaced. */
function masked(text: string, start: number, a: number, b: number, secrets: SecretRanges): string {
  let result = '';
  let at = a;
  for (let index = firstEndingAfter(secrets, start + a); index < secrets.length && at < b; index += 1) {
    const [from, to] = secrets[index]!;
    if (from - start >= b) break;
    result += text.slice(at, Math.max(at, from - start)) + MASK;
    at = Math.max(at, to - start);
  }
  return at < b ? result + text.slice(at, b) : result;
}

function firstEndingAfter(secrets: SecretRanges, offset: number): number {
  let low = 0;
  for (let high = secrets.length; low < high;) {
    const middle = (low + high) >> 1;
    if (secrets[middle]![1] > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

function cut(before: string, marked: string, after: string, wasCut: boolean): Excerpt {
  if (!wasCut && before.length + marked.length + after.length <= WIDTH) {
    return { excerpt: before + marked + after, mark: { from: before.length, length: Math.max(1, marked.length) } };
  }
  const middle = marked.length > WIDTH / 2 ? `${marked.slice(0, WIDTH / 2 - 1)}…` : marked;
  const room = WIDTH - middle.length;
  const head = before.length > room / 2 ? `…${before.slice(before.length - Math.floor(room / 2) + 1)}` : before;
  const tail = after.length > room - head.length ? `${after.slice(0, Math.max(0, room - head.length - 1))}…` : after;
  return { excerpt: head + middle + tail, mark: { from: head.length, length: Math.max(1, middle.length) } };
}
