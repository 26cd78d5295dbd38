import { age, bytes, counted } from '../format/units.ts';
import type { Looks } from '../text/page.ts';
import { line, paint, span, type Span } from '../text/lines.ts';
import { tableLines } from '../text/table.ts';

/** A fetched file as people see it. */
export interface CacheRow {
  /** Its SHA-256, or a word of the store's own where nobody knows that yet. */
  readonly key: string;
  readonly bytes: number;
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  readonly state: 'whole' | 'partial' | 'damaged';
  /** A stack has it on record. */
  readonly used: boolean;
}

type CacheLooks = Looks & { readonly now: string };

/** `llmops cache ls`. */
export function renderCache(rows: readonly CacheRow[], looks: CacheLooks): string {
  if (rows.length === 0) return 'Nothing was fetched to this machine yet.\n';
  const unused = sum(rows.filter(({ used }) => !used));
  const last = unused === 0 ? '' : `; ${bytes(unused)} of it used by no stack: llmops cache prune`;
  return `${table(rows, looks)}\n${counted(rows.length, 'file')}, ${bytes(sum(rows))}${last}.\n`;
}

/** What `llmops cache prune` is about to remove. */
export function renderPrune(rows: readonly CacheRow[], kept: number, looks: CacheLooks): string {
  const keeps = kept === 0 ? '' : ` ${counted(kept, 'file')} in use ${kept === 1 ? 'stays' : 'stay'}.`;
  if (rows.length === 0) return `There is nothing to remove.${keeps}\n`;
  return `These are removed, and fetched again when they are needed:\n\n${table(rows, looks)}\n${counted(rows.length, 'file')}, ${bytes(sum(rows))}.${keeps}\n`;
}

/** What became of it. An engine that has a file open keeps its room until it ends. */
export function renderPruned(freedBytes: number): string {
  return `Freed ${bytes(freedBytes)}. What an engine still has open is freed when it ends.\n`;
}

/** `llmops cache verify`. */
export function renderVerified(
  files: readonly { readonly sha256: string; readonly bytes: number; readonly ok: boolean; readonly actual: string }[],
  { color }: Looks,
): string {
  const bad = files.filter(({ ok }) => !ok);
  const rows = bad.map(({ sha256, actual }) =>
    paint(line('  ', span('✗', 'remove'), ` ${sha256.slice(0, 16)}… reads as ${actual.slice(0, 16)}…: set aside`), color),
  );
  const end =
    bad.length === 0
      ? `All ${counted(files.length, 'file')} are what they were, ${bytes(sum(files))}.`
      : `${bad.length} of ${counted(files.length, 'file')} are damaged. The next apply that needs them fetches them anew.`;
  return [...rows, files.length === 0 ? 'Nothing was fetched to this machine yet.' : end].map((row) => `${row}\n`).join('');
}

function table(rows: readonly CacheRow[], { color, width, now }: CacheLooks): string {
  const columns = [
    { title: 'SHA-256' },
    { title: 'SIZE' },
    { title: 'USED' },
    { title: 'STATE' },
    { title: 'NAME', shrinks: 'start' as const },
  ];
  const cells = rows.map((row): readonly Span[] => [
    span(row.key.slice(0, 12)),
    span(bytes(row.bytes)),
    span(`${age(new Date(row.lastUsed).toISOString(), now) ?? '?'} ago`),
    span(stateWords(row), row.state === 'whole' ? (row.used ? 'add' : 'quiet') : 'change'),
    span(row.names.join(', ') || '-'),
  ]);
  return tableLines(columns, cells, width)
    .map((each) => `${paint(each, color)}\n`)
    .join('');
}

function stateWords({ state, used }: CacheRow): string {
  if (state === 'partial') return 'cut off';
  if (state === 'damaged') return 'damaged';
  return used ? 'in use' : 'unused';
}

function sum(rows: readonly { readonly bytes: number }[]): number {
  return rows.reduce((total, row) => total + row.bytes, 0);
}
