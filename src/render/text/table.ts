import type { Line, Span } from './lines.ts';
import { line, lineWidth, pad, span } from './lines.ts';
import { keepEnd, keepStart, textWidth } from './width.ts';

/** One column of a table. `shrinks`: which end may be cut off where the screen is too narrow; absent: never cut. */
export interface Column {
  readonly title: string;
  readonly shrinks?: 'start' | 'end';
  /** Left out altogether while no row has anything in it. */
  readonly optional?: boolean;
}

const GAP = 2;
const NARROWEST = 8;

/** Rows under their titles, each column as wide as its widest cell, the shrinking ones cut if the screen is narrower. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly Span[])[], width: number): readonly Line[] {
  const used = columns.map((column, index) => !column.optional || rows.some((row) => row[index]?.text));
  const widths = fitted(columns, naturalWidths(columns, rows, used), used, width);
  const title = cells(
    columns.map((column) => span(column.title, 'strong')),
    columns,
    widths,
    used,
  );
  return [title, ...rows.map((row) => cells(row, columns, widths, used))];
}

function naturalWidths(columns: readonly Column[], rows: readonly (readonly Span[])[], used: readonly boolean[]): number[] {
  const widths = columns.map((column, index) => (used[index] ? textWidth(column.title) : 0));
  for (const row of rows)
    row.forEach((cell, index) => (widths[index] = used[index] ? Math.max(widths[index] ?? 0, textWidth(cell.text)) : 0));
  return widths;
}

function fitted(columns: readonly Column[], natural: readonly number[], used: readonly boolean[], width: number): readonly number[] {
  const widths = [...natural];
  const total = () => widths.reduce((sum, one, index) => sum + (used[index] ? one + GAP : 0), -GAP);
  for (let over = total() - width; over > 0; over = total() - width) {
    const widest = columns.reduce(
      (best, column, index) => (column.shrinks && (widths[index] ?? 0) > (best < 0 ? NARROWEST : (widths[best] ?? 0)) ? index : best),
      -1,
    );
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function cells(row: readonly Span[], columns: readonly Column[], widths: readonly number[], used: readonly boolean[]): Line {
  let content: Line = [];
  let edge = 0;
  row.forEach((cell, index) => {
    if (!used[index]) return;
    const width = widths[index] ?? 0;
    const text =
      columns[index]?.shrinks === 'start'
        ? keepEnd(cell.text, width)
        : columns[index]?.shrinks === 'end'
          ? keepStart(cell.text, width)
          : cell.text;
    content = [...pad(content, edge, lineWidth(content) === 0 ? 0 : GAP), { text, tone: cell.tone }];
    edge += width + GAP;
  });
  return content.length === 0 ? line('') : content;
}
