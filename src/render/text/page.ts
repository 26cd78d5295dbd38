import type { Line } from './lines.ts';
import { line, lineWidth, pad, paint, wrap } from './lines.ts';

/**
 * One entry of a page: a line that may wrap, or a row whose tail (where it is declared, what it forces) stands in a
 * column that is the same for the whole page.
 */
export interface Entry {
  readonly content: Line;
  /** Column at which wrapped rows go on. */
  readonly hang: number;
  readonly tail?: { readonly place: Line; readonly remark: Line };
  /** Rows with the same name share their tail column; absent: the settings of all blocks. */
  readonly table?: string;
  /** Never wrapped: a line that programs read. */
  readonly whole?: boolean;
}

/** Looks that a caller chooses. `width` in columns; Infinity: never wrap. */
export interface Looks {
  readonly color: boolean;
  readonly width: number;
}

/** An entry without a tail. */
export function entry(content: Line, hang = 0): Entry {
  return { content, hang };
}

/** An empty line. */
export const BLANK: Entry = { content: [], hang: 0 };

/** Lays the entries out: wraps lines and puts tails into their column. Ends with a line feed. Linear in the entries. */
export function printPage(entries: readonly Entry[], looks: Looks): string {
  const tables = tablesOf(entries);
  const columns = new Map([...tables].map(([name, items]) => [name, columnsOf(items, looks.width)]));
  const rows = entries.flatMap((item) => rowsOf(item, columns.get(item.table ?? '') ?? NO_COLUMNS, looks.width));
  return `${rows.map((row) => paint(row, looks.color)).join('\n')}\n`;
}

function tablesOf(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const tables = new Map<string, Entry[]>();
  for (const item of entries) {
    const table = tables.get(item.table ?? '');
    if (table) table.push(item);
    else tables.set(item.table ?? '', [item]);
  }
  return tables;
}

interface Columns {
  readonly tail: number;
  readonly place: number;
}

const NO_COLUMNS: Columns = { tail: 0, place: 0 };

function columnsOf(entries: readonly Entry[], width: number): Columns {
  let left = 0;
  let place = 0;
  for (const item of entries) {
    if (!item.tail) continue;
    left = Math.max(left, lineWidth(item.content));
    place = Math.max(place, lineWidth(item.tail.place));
  }
  let tail = 0;
  for (const item of entries) if (item.tail) tail = Math.max(tail, tailWidth(item.tail, place));
  return { tail: Math.max(0, Math.min(left + GAP, width - tail)), place };
}

const GAP = 3;

function tailWidth(tail: NonNullable<Entry['tail']>, place: number): number {
  return tail.remark.length === 0 ? lineWidth(tail.place) : place + 2 + lineWidth(tail.remark);
}

function rowsOf(item: Entry, columns: Columns, width: number): readonly Line[] {
  if (item.whole) return [item.content];
  const rows = wrap(item.content, width, item.hang);
  if (!item.tail) return rows;
  const { place, remark } = item.tail;
  if (place.length + remark.length === 0) return rows;
  const last = rows.at(-1) ?? [];
  const aligned = remark.length === 0 ? place : [...pad(place, columns.place), ...line('  '), ...remark];
  const before = pad(last, columns.tail, 2);
  if (lineWidth(before) + lineWidth(aligned) <= width) return [...rows.slice(0, -1), [...before, ...aligned]];
  // Out of line, and still on the same row; else on a row of its own, both at the right edge.
  const tight = place.length === 0 ? remark : remark.length === 0 ? place : [...place, ...line('  '), ...remark];
  const edge = Math.max(0, width - lineWidth(tight));
  if (lineWidth(last) + 2 <= edge) return [...rows.slice(0, -1), [...pad(last, edge), ...tight]];
  return [...rows, [...pad([], edge), ...tight]];
}
