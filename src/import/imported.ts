import type { Json } from '../domain/desired.ts';

/** Something of the other tool that llmops.yaml does not say, or says in another way. Texts name keys, never values that could be secret. */
export interface NotCarried {
  /** The thing, as the other tool calls it: `--lora`, `models.chat.aliases`. */
  readonly what: string;
  /** One reason, in a few words, without a full stop. */
  readonly why: string;
  /** The model or service it belongs to, or a place in the file. */
  readonly where?: string;
}

/** A key of llmops.yaml with its value; `note` becomes a comment behind it. */
export interface Entry {
  readonly key: string;
  readonly value: Json | Entries;
  readonly note?: string;
}

/** Keys in the order in which they are to be written. */
export interface Entries {
  readonly entries: readonly Entry[];
}

/** A backend or a model, before it has its final name. */
export interface Item {
  /** The name that was there. */
  readonly original: string;
  /** What the name here is made from. Absent: the original. */
  readonly wish?: string;
  /** Comments above its keys, a line each. */
  readonly notes: readonly string[];
  readonly entries: readonly Entry[];
}

/** What a source declares, in the words of llmops.yaml. `backend` is the original name of one of `backends`. */
export interface Imported {
  /** What it was read from, for the first comment: `Ollama 0.34.4 at http://127.0.0.1:11434`. */
  readonly from: string;
  readonly backends: readonly Item[];
  readonly models: readonly (Item & { readonly backend: string })[];
  readonly notCarried: readonly NotCarried[];
  /** Where a server of this machine keeps what it pulled, and what its tags stand for there. Absent: nothing is pinned from there. */
  readonly store?: ImportedStore;
}

/** What an Ollama server has on this machine. */
export interface ImportedStore {
  readonly folder: string;
  /** SHA-256 (hex) of the manifest behind each name, in its longest form and in lower case. */
  readonly manifests: Readonly<Record<string, string>>;
  /** As llmops.lock names it; null: it does not tell its version. */
  readonly engine: string | null;
}

/** An entry; nothing where there is no value. */
export function entry(key: string, value: Json | Entries | null | undefined, note?: string): readonly Entry[] {
  return value === null || value === undefined ? [] : [{ key, value, ...(note !== undefined && { note }) }];
}

/** A map as an entry; nothing if it holds nothing. */
export function group(key: string, entries: readonly Entry[]): readonly Entry[] {
  return entries.length === 0 ? [] : [{ key, value: { entries } }];
}

/** True for a map of entries, as opposed to a plain value. */
export function isEntries(value: Json | Entries): value is Entries {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && 'entries' in value && Array.isArray(value.entries);
}

/** Keys whose value is a path, or a `file:` source. */
const PATHS = new Set(['source', 'chatTemplateFile', 'file']);

/** True if a path among these keys leads out of the folder of llmops.yaml. */
export function leavesFolder(entries: readonly Entry[]): boolean {
  return entries.some(({ key, value }) => {
    if (isEntries(value)) return leavesFolder(value.entries);
    if (value !== null && typeof value === 'object' && 'file' in value)
      return leavesFolder([{ key: 'file', value: value['file'] as Json }]);
    const path = typeof value === 'string' && PATHS.has(key) ? (key === 'source' ? /^file:(.*)$/s.exec(value)?.[1] : value) : undefined;
    return path !== undefined && /^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)/.test(path);
  });
}
