import { BLANK, entry, printPage, type Entry, type Looks } from './text/page.ts';
import { line, span } from './text/lines.ts';

/** What `llmops import` did. */
export interface ImportView {
  /** `Ollama 0.34.4 at http://127.0.0.1:11434` */
  readonly from: string;
  readonly models: readonly { readonly name: string; readonly source: string }[];
  readonly backends: readonly { readonly name: string; readonly type: string }[];
  readonly notCarried: readonly { readonly what: string; readonly why: string; readonly where?: string }[];
  /** Path of the file. */
  readonly file: string;
  readonly written: boolean;
  /** The lock that was written, and how many models it pins; null: none was. */
  readonly lock: { readonly file: string; readonly models: number } | null;
  /** What to type next; null: nothing was written. */
  readonly next: string | null;
}

/** Names longer than this push their own source aside, and no other. */
const WIDEST_NAME = 32;

/** The report for people. Ends with a newline. Pure. */
export function renderImport(view: ImportView, looks: Looks): string {
  const { from, models, backends, notCarried, file, written, lock, next } = view;
  const width = Math.min(WIDEST_NAME, Math.max(0, ...models.map(({ name }) => name.length)));
  const on = backends.map(({ name, type }) => (name === type ? name : `${name} (${type})`)).join(', ');
  return printPage(
    [
      entry(line(`Read ${from}. Nothing was changed there.`)),
      BLANK,
      entry(line(span(`Taken over: ${counted(models.length, 'model')} on ${on}`, 'strong'))),
      ...models.map(({ name, source }) => entry(line('  ', span(name.padEnd(width), 'add'), '  ', source), 4)),
      ...(notCarried.length === 0 ? [] : [BLANK, entry(line(span('Not carried over:', 'strong'))), ...grouped(notCarried)]),
      BLANK,
      entry(line(written ? `Wrote ${file}.` : `Nothing was written. Without --dry-run it would be ${file}.`)),
      ...(lock === null ? [] : [entry(line(`Wrote ${lock.file}: ${counted(lock.models, 'model')} as on that server.`))]),
      ...(next === null ? [] : [{ content: line(`Next: ${next}`), hang: 0, whole: true }]),
    ],
    looks,
  );
}

/** The same loss of several models is said once. */
function grouped(notCarried: ImportView['notCarried']): readonly Entry[] {
  const groups = new Map<string, { readonly what: string; readonly why: string; readonly owners: string[] }>();
  for (const { what, why, where } of notCarried) {
    const key = `${what}\0${why}`;
    const group = groups.get(key) ?? { what, why, owners: [] };
    if (where !== undefined) group.owners.push(where);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ what, why, owners }) =>
    entry(line('  ', span(`${what}${ownersOf(owners)}`, 'change'), `: ${why}`), 4),
  );
}

const SHOWN_OWNERS = 3;

function ownersOf(owners: readonly string[]): string {
  if (owners.length === 0) return '';
  const more = owners.length - SHOWN_OWNERS;
  return ` (${owners.slice(0, SHOWN_OWNERS).join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
