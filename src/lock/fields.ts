import type { GgufFacts } from '../domain/desired.ts';
import { compareText } from '../domain/text.ts';
import type { LockedModel, Origin, RemoteFile } from '../domain/weights.ts';
import { scalarText } from './scalar.ts';

/** An entry as it stands in the file: its digest follows from its files, so it is not written. */
export type Entry = Omit<LockedModel, 'sha256'>;

/** A lock as it stands in the file. */
export interface WrittenLock {
  readonly models: Readonly<Record<string, Entry>>;
  readonly engines: Readonly<Record<string, string>>;
}

/** The keys of `facts`, in the order in which they are written; all but the first and the last may be missing. */
export const FACTS = [
  'architecture',
  'name',
  'quantization',
  'contextTrained',
  'layers',
  'embedding',
  'heads',
  'kvHeads',
  'keyLength',
  'valueLength',
  'vocabulary',
  'experts',
  'feedForward',
  'tensorBytes',
] as const satisfies readonly (keyof GgufFacts)[];

/** One key of an entry: its value as text behind the colon, or, if that is empty, lines below it, indented from the key. */
export interface Field {
  readonly key: string;
  readonly value: string;
  readonly below: readonly string[];
}

/** The keys of an entry in the order in which they are written: what people review first, what programs need last. What is null is left out. */
export function fieldsOf(entry: Entry): readonly Field[] {
  return [
    ...scalarsOf(entry).map(([key, value]): Field => ({ key, value: scalarText(value), below: [] })),
    { key: 'files', value: '', below: entry.files.flatMap(fileLines) },
    ...(entry.facts === null ? [] : [{ key: 'facts', value: factsText(entry.facts), below: [] }]),
  ];
}

/** Every key of an entry that has a plain text, without `files` and `facts`. */
export function scalarsOf(entry: Entry): readonly (readonly [key: string, value: string])[] {
  const pairs: readonly (readonly [string, string | null])[] = [
    ['source', entry.source],
    ['revision', entry.revision],
    ...originPairs(entry.origin),
    ['manifest', entry.manifest],
    ['beside', entry.beside?.join(', ') ?? null],
    ['quantization', entry.quantization],
    ['license', entry.license],
    ['chatTemplate', entry.chatTemplate],
    ['tokenizer', entry.tokenizer],
  ];
  return pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null);
}

function originPairs(origin: Origin | null): readonly (readonly [string, string])[] {
  switch (origin?.kind) {
    case 'hf':
      return [
        ['repository', origin.repo],
        ['commit', origin.commit],
      ];
    case 'https':
      return [['url', origin.url]];
    case 'ollama':
      return [
        ['registry', origin.host],
        ['name', origin.name],
        ['tag', origin.tag],
        ...(origin.access === undefined ? [] : [['access', origin.access] as const]),
      ];
    case undefined:
      return [];
  }
}

/** The facts that are known, by key, in order. */
export function factPairs(facts: GgufFacts): readonly (readonly [key: string, value: string | number])[] {
  return FACTS.flatMap((key) => (facts[key] == null ? [] : [[key, facts[key]] as const]));
}

function factsText(facts: GgufFacts): string {
  return `{ ${factPairs(facts)
    .map(([key, value]) => `${key}: ${scalarText(value)}`)
    .join(', ')} }`;
}

/** The lines of one item of `files`, indented from that key. */
export function fileLines({ path, bytes, sha256 }: RemoteFile): readonly string[] {
  return [`  - path: ${scalarText(path)}`, `    bytes: ${bytes}`, `    sha256: ${scalarText(sha256)}`];
}

/** A key with its value as lines, indented from the key. */
export function fieldLines({ key, value, below }: Field): readonly string[] {
  return [value === '' ? `${key}:` : `${key}: ${value}`, ...below];
}

/** An entry as lines, indented from its name. */
export function entryLines(name: string, entry: Entry): readonly string[] {
  return [
    `${name}:`,
    ...fieldsOf(entry)
      .flatMap(fieldLines)
      .map((line) => `  ${line}`),
  ];
}

/** One line of `engines`, indented from its name. */
export function engineLine(backend: string, engine: string): string {
  return `${backend}: ${scalarText(engine)}`;
}

/** What the first lines of a new file say. */
export const HEADER: readonly string[] = [
  '# What the sources in llmops.yaml were when they were last looked up: commit, files, sizes, SHA-256.',
  '# Made by `llmops lock`, and belongs into git. Only `llmops lock --upgrade` moves what is pinned here.',
];

/** A whole new file. `comments`: lines that follow the header. */
export function freshText(lock: WrittenLock, comments: readonly string[] = []): string {
  const models = sorted(lock.models).map(([name, entry]) => entryLines(name, entry).map((line) => `  ${line}`));
  const engines = sorted(lock.engines).map(([backend, engine]) => `  ${engineLine(backend, engine)}`);
  const lines = [
    ...HEADER,
    ...comments,
    'version: 1',
    models.length === 0 ? 'models: {}' : 'models:',
    ...models.flatMap((entry, index) => (index === 0 ? entry : ['', ...entry])),
    '',
    engines.length === 0 ? 'engines: {}' : 'engines:',
    ...engines,
  ];
  return `${lines.join('\n')}\n`;
}

function sorted<T>(record: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(record).sort(([a], [b]) => compareText(a, b));
}
