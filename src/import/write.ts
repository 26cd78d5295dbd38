import { Document, Pair, Scalar, YAMLMap } from 'yaml';
import type { Json } from '../domain/desired.ts';
import { isEntries, leavesFolder, type Entry, type Imported, type Item, type NotCarried } from './imported.ts';
import { uniqueNames } from './names.ts';

/** How the written file begins. */
export interface WriteOptions {
  /** Name of the stack. */
  readonly stack: string;
  /** Relative path of a JSON Schema for the editor, or null. */
  readonly schema: string | null;
}

/** The text of llmops.yaml. Pure; the same input gives the same bytes. */
export function writeStack(imported: Imported, options: WriteOptions): string {
  const root = new YAMLMap();
  const backendNames = namesOf(imported.backends, 'engine');
  const modelNames = namesOf(imported.models, 'model');
  const backendOf = (original: string): Entry => ({
    key: 'backend',
    value: backendNames[imported.backends.findIndex((backend) => backend.original === original)] ?? original,
  });
  root.add(pair('version', 1));
  root.add(pair('name', options.stack));
  if (imported.models.some(({ entries }) => leavesFolder(entries)))
    root.add(withNote(pair('allowOutside', true), 'some files lie outside this folder'));
  root.add(pair('backends', items(imported.backends, backendNames, imported.notCarried), true));
  const models = imported.models.map((model) => ({ ...model, entries: [backendOf(model.backend), ...model.entries] }));
  root.add(pair('models', items(models, modelNames, imported.notCarried), true));
  const document = new Document(root, { version: '1.2', schema: 'core', merge: false });
  const body = document.toString({ indent: 2, indentSeq: true, lineWidth: 0, singleQuote: true, flowCollectionPadding: true });
  return `${header(imported, options)}\n${body}`;
}

/** The names that the items get, in their order. */
export function namesOf(list: readonly Item[], fallback: 'engine' | 'model'): readonly string[] {
  return uniqueNames(
    list.map(({ original, wish }) => wish ?? original),
    fallback,
  );
}

/** What belongs to no item; the rest is said where the item stands. */
function header({ from, notCarried, backends, models }: Imported, { schema }: WriteOptions): string {
  const owners = new Set([...backends, ...models].map(({ original }) => original));
  const rest = notCarried.filter(({ where }) => where === undefined || !owners.has(where));
  return [
    ...(schema === null ? [] : [`# yaml-language-server: $schema=${schema}`]),
    `# Written by \`llmops import\` from ${comment(from)}. Now it is yours.`,
    ...(rest.length === 0 ? [] : ['# Not carried over:', ...rest.map((one) => `#   ${comment(oneLine(one))}`)]),
  ].join('\n');
}

/** `--lora (chat): llmops has no key for it` */
export function oneLine({ what, why, where }: NotCarried): string {
  return `${what}${where === undefined ? '' : ` (${where})`}: ${why}`;
}

function items(list: readonly Item[], names: readonly string[], notCarried: readonly NotCarried[]): YAMLMap {
  const lost = new Map<string | undefined, string[]>();
  for (const { what, why, where } of notCarried) lost.set(where, [...(lost.get(where) ?? []), `not carried over: ${what}: ${why}`]);
  const map = new YAMLMap();
  for (const [index, item] of list.entries()) {
    const name = names[index] as string;
    const original = item.original === name ? [] : [`there: ${item.original}`];
    const notes = [...original, ...item.notes, ...(lost.get(item.original) ?? [])];
    const node = pair(name, mapOf(item.entries), index > 0);
    if (notes.length > 0) (node.key as Scalar).commentBefore = notes.map((note) => ` ${comment(note)}`).join('\n');
    map.add(node);
  }
  map.flow = list.length === 0;
  return map;
}

function mapOf(entries: readonly Entry[]): YAMLMap {
  const map = new YAMLMap();
  for (const { key, value, note } of entries) {
    const node = pair(key, isEntries(value) ? mapOf(value.entries) : value);
    map.add(note === undefined ? node : withNote(node, note));
  }
  return map;
}

function pair(key: string, value: Json | YAMLMap, apart = false): Pair {
  const name = new Scalar(key);
  if (apart) name.spaceBefore = true;
  return new Pair(name, value instanceof YAMLMap ? value : nodeOf(value));
}

function nodeOf(value: Json): unknown {
  const made = new Document().createNode(value) as { flow?: boolean; type?: string };
  if (Array.isArray(value))
    made.flow = value.every((item) => typeof item !== 'object' && String(item).length < 40 && !/\n/.test(String(item)));
  else if (value !== null && typeof value === 'object') made.flow = true;
  return made;
}

/** Behind a plain value; above anything longer. */
function withNote(item: Pair, note: string): Pair {
  const value = item.value;
  if (value instanceof Scalar && !(typeof value.value === 'string' && value.value.includes('\n'))) value.comment = ` ${comment(note)}`;
  else (item.key as Scalar).commentBefore = ` ${comment(note)}`;
  return item;
}

/** Text inside a comment: one line, and nothing that a terminal would obey. */
function comment(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029\ufffe\uffff]/gu, '?');
}
