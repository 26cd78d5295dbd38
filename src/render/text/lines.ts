import { clean } from './clean.ts';
import { textWidth } from './width.ts';

/** What a piece of text means; colour only repeats what words and symbols say already. */
export type Tone = 'plain' | 'strong' | 'quiet' | 'add' | 'change' | 'remove' | 'note';

/** A piece of text with one meaning. Made by {@link span} only, so that it is always clean. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line before wrapping. */
export type Line = readonly Span[];

/** A span with everything cleaned out of it that a terminal would obey. */
export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: clean(text), tone };
}

/** A span that {@link wrap} keeps on one row if it is short enough for that to be a help. */
export function whole(text: string, tone: Tone = 'plain'): Span {
  const safe = clean(text);
  return { text: textWidth(safe) > LONGEST_WHOLE ? safe : safe.replaceAll(' ', HARD_SPACE), tone };
}

const HARD_SPACE = '\u00a0';
const LONGEST_WHOLE = 36;

/** A line from plain strings and spans. */
export function line(...parts: readonly (string | Span)[]): Line {
  return parts.map((part) => (typeof part === 'string' ? span(part) : part));
}

/** Columns that a line takes. */
export function lineWidth(content: Line): number {
  return content.reduce((sum, part) => sum + textWidth(part.text), 0);
}

/** Spaces up to column `width`, and at least `least`. */
export function pad(content: Line, width: number, least = 0): Line {
  return [...content, { text: ' '.repeat(Math.max(least, width - lineWidth(content))), tone: 'plain' }];
}

/**
 * Breaks a line at spaces so that no row is wider than `width`, as far as its words allow. Rows after the first start
 * at column `hang`. Spaces inside a row are kept as they are.
 */
export function wrap(content: Line, width: number, hang: number): readonly Line[] {
  if (lineWidth(content) <= width) return [content];
  const rows: Span[][] = [[]];
  let used = 0;
  for (const word of wordsOf(content)) {
    const starts = used === 0 || (used === hang && rows.length > 1);
    if (!starts && used + word.gap + word.width > width) {
      rows.push([{ text: ' '.repeat(hang), tone: 'plain' }]);
      used = hang;
    } else if (word.gap > 0 && (rows.length === 1 || used > hang)) {
      rows.at(-1)?.push({ text: ' '.repeat(word.gap), tone: 'plain' });
      used += word.gap;
    }
    rows.at(-1)?.push(...word.spans);
    used += word.width;
  }
  return rows;
}

/** Sentences broken at spaces so that no row is wider than `width`; their own line breaks stay. */
export function wrapText(text: string, width: number, hang = 0): string {
  const rows = text.split('\n').flatMap((each) => wrap([{ text: clean(each), tone: 'plain' }], width, hang));
  return rows.map((row) => paint(row, false)).join('\n');
}

interface Word {
  spans: Span[];
  width: number;
  /** Spaces before it. */
  gap: number;
}

function wordsOf(content: Line): readonly Word[] {
  const words: Word[] = [];
  let gap = 0;
  let open = false;
  for (const part of content) {
    for (const piece of part.text.match(/ +|[^ ]+/g) ?? []) {
      if (piece.startsWith(' ')) {
        gap += piece.length;
        open = false;
        continue;
      }
      const last = words.at(-1);
      if (open && last) extend(last, { text: piece, tone: part.tone });
      else words.push({ spans: [{ text: piece, tone: part.tone }], width: textWidth(piece), gap });
      gap = 0;
      open = true;
    }
  }
  return words;
}

function extend(word: Word, piece: Span): void {
  word.spans.push(piece);
  word.width += textWidth(piece.text);
}

// Select Graphic Rendition, ECMA-48 section 8.3.117.
const CODES: Readonly<Record<Tone, string>> = { plain: '', strong: '1', quiet: '2', add: '32', change: '33', remove: '31', note: '36' };

/** The line as text, with terminal colours if asked for, and without spaces at its end. */
export function paint(content: Line, color: boolean): string {
  const text = content.map((part) =>
    color && CODES[part.tone] && part.text.trim() ? `\x1b[${CODES[part.tone]}m${part.text}\x1b[0m` : part.text,
  );
  return text.join('').replaceAll(HARD_SPACE, ' ').trimEnd();
}
