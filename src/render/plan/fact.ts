import type { Entry } from '../text/page.ts';
import { entry } from '../text/page.ts';
import type { Span } from '../text/lines.ts';
import { line, span } from '../text/lines.ts';
import { padEnd } from '../text/width.ts';

/** Column at which names of settings and facts start, after indent and symbol. */
export const NAME = 6;

/** A row below a heading, with a label of `width` columns, and a symbol before it if it is the heart of the change. */
export function fact(label: string, text: string, width: number, symbol?: Span): Entry {
  const margin = symbol === undefined ? ' '.repeat(NAME) : ' '.repeat(NAME - 1 - symbol.text.length);
  const mark = symbol === undefined ? [] : [symbol, ' '];
  return entry(line(margin, ...mark, span(padEnd(label, width), symbol ? 'plain' : 'quiet'), '  ', text), NAME + width + 2);
}
