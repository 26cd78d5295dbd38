import type { Generation } from '../../domain/generation.ts';
import { age, duration } from '../format/units.ts';
import type { Looks } from '../text/page.ts';
import { entry, printPage } from '../text/page.ts';
import type { Span, Tone } from '../text/lines.ts';
import { line, span } from '../text/lines.ts';
import { tableLines } from '../text/table.ts';
import { whatWords } from './what.ts';

/** Looks with the time that ages are told from, ISO 8601. */
export interface HistoryLooks extends Looks {
  readonly now?: string | null;
  /** A time as the reader's clock shows it, `2026-03-02 14:05:07`; absent: the same in UTC, with a Z. */
  readonly clock?: (at: string) => string;
}

const COLUMNS = [
  { title: 'GEN' },
  { title: 'WHEN' },
  { title: 'OUTCOME' },
  { title: 'TOOK' },
  { title: 'COMMIT/FILE', shrinks: 'end' },
  { title: 'WHO', shrinks: 'end' },
] as const;

/** The applied generations in the order given: when, how it went, from what, by whom; below it what it did, and why. */
export function renderHistoryText(generations: readonly Generation[], looks: HistoryLooks): string {
  if (generations.length === 0) return printPage([entry(line('Nothing was applied from here yet. The first: `llmops apply`.'))], looks);
  const [title, ...rows] = tableLines(
    COLUMNS,
    generations.map((one) => rowOf(one, looks)),
    looks.width,
  );
  const entries = generations.flatMap((one, index) => [
    entry(rows[index] ?? [], 4),
    ...whatWords(one).map((words) => entry(line('  └ ', ...words), 4)),
  ]);
  return printPage([entry(title ?? []), ...entries], looks);
}

function rowOf(one: Generation, looks: HistoryLooks): readonly Span[] {
  const ago = age(one.startedAt, looks.now ?? null);
  const at = clockTime(one.startedAt, looks);
  const took = one.ms === null ? '-' : duration(one.ms);
  const texts = [String(one.number), ago === null ? at : `${at}, ${ago} ago`];
  return [...texts.map((text) => span(text)), outcomeSpan(one), span(took), span(originWords(one)), span(one.who)];
}

/** Date and time of day for people. */
export function clockTime(at: string, looks: HistoryLooks): string {
  return looks.clock?.(at) ?? `${at.slice(0, 19).replace('T', ' ')}Z`;
}

/** What the file was: its git commit, or, where it had none, the hash of its meaning, which is none of git's. */
export function originWords({ source, revision }: Generation): string {
  if (source.commit === null) return `file ${revision.slice(0, 7)}`;
  const [commit = '', ...dirty] = source.commit.split('-');
  return [commit.slice(0, 7), ...dirty].join('-');
}

/** How it ended, in the colour of that. */
export function outcomeSpan({ outcome }: Generation): Span {
  const tone: Tone = outcome === 'succeeded' ? 'add' : outcome === null ? 'note' : 'remove';
  return span(outcome ?? 'unfinished', tone);
}

/** A generation without the text of its file: `show N --json` has that. */
export type HistoryEntry = Omit<Generation, 'source'> & { readonly source: Omit<Generation['source'], 'text'> };

/** The generations as a JSON document, in the order given. */
export function historyDocument(generations: readonly Generation[]): {
  readonly formatVersion: '1.0';
  readonly generations: readonly HistoryEntry[];
} {
  const brief = generations.map((one) => ({ ...one, source: { file: one.source.file, commit: one.source.commit } }));
  return { formatVersion: '1.0', generations: brief };
}
