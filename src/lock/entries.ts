import { MODEL_NAME } from '../config/schema/names.ts';
import { child, entries, items, scalar, spot, type Located } from '../config/located.ts';
import { quoted } from '../config/wording.ts';
import type { GgufFacts } from '../domain/desired.ts';
import type { Beside, Origin, RemoteFile } from '../domain/weights.ts';
import { FACTS, type Entry } from './fields.ts';
import { ANY, COMMIT, isNothing, LINE, SHA256, type Shape, type Spelling } from './shape.ts';

const KEYS =
  'source revision repository commit url registry name tag access manifest beside quantization license chatTemplate tokenizer files facts'.split(
    ' ',
  );
const FILE_KEYS = ['path', 'bytes', 'sha256'];

const PART = MODEL_NAME.slice(1, -1);
const ENTRY_NAME = new RegExp(`^${PART}(?:@${PART})?$`);
const BACKEND_NAME = new RegExp(MODEL_NAME);
const REPOSITORY: Spelling = { pattern: /^[\w.-]+\/[\w.-]+$/, expected: 'OWNER/REPOSITORY' };
const URL: Spelling = { pattern: /^https?:\/\/[^\s/]+\/\S+$/, expected: 'an address that begins with https://' };
const REGISTRY: Spelling = { pattern: /^[\w.-]+(?::\d{1,5})?$/, expected: 'a host, with a port or without' };
const NAME: Spelling = { pattern: /^[\w.-]+(?:\/[\w.-]+)+$/, expected: 'NAMESPACE/MODEL' };
const TAG: Spelling = { pattern: /^[\w.-]+$/, expected: 'a tag' };
const BESIDE: Spelling = { pattern: /^(?:adapter|projector|adapter, projector)$/, expected: 'projector, adapter, or both' };
const ACCESS: Spelling = { pattern: /^login$/, expected: 'login' };

/** True for a path that stays below the folder that it is put into: files are fetched to where it says, and anybody can propose a change to this file. */
export function isInside(path: string): boolean {
  return /^[^\p{Cc}\\]+$/u.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** The entries under `models`; those with something wrong are left out, and told. */
export function readEntries(located: Located, shape: Shape): Readonly<Record<string, Entry>> {
  const result = Object.create(null) as Record<string, Entry>;
  for (const [name, member] of entries(located)) {
    if (!ENTRY_NAME.test(name)) {
      shape.add('invalid-name', `${quoted(name)} cannot be the name of an entry`, { ...member, at: member.key ?? member.at }, ENTRY);
      continue;
    }
    const entry = readEntry(member, `\`models.${name}\``, shape);
    if (entry !== null) result[name] = entry;
  }
  return result;
}

const ENTRY = { expected: 'the name of a model, or MODEL@ENVIRONMENT' };

/** What stands under `engines`. */
export function readEngines(located: Located, shape: Shape): Readonly<Record<string, string>> {
  const result = Object.create(null) as Record<string, string>;
  for (const [name, member] of entries(located)) {
    if (!BACKEND_NAME.test(name))
      shape.add('invalid-name', `${quoted(name)} cannot be the name of a backend`, member, { expected: 'the name of a backend' });
    const engine = shape.text(located, '`engines`', name, ANY, true);
    if (typeof engine === 'string') result[name] = engine;
  }
  return result;
}

function readEntry(map: Located, where: string, shape: Shape): Entry | null {
  if (!shape.map(map, where, KEYS)) return null;
  const source = shape.text(map, where, 'source', LINE, true);
  const revision = shape.text(map, where, 'revision', ANY);
  const origin = readOrigin(map, where, shape);
  const manifest = shape.text(map, where, 'manifest', SHA256);
  const beside = shape.text(map, where, 'beside', BESIDE);
  const quantization = shape.text(map, where, 'quantization', ANY);
  const license = shape.text(map, where, 'license', ANY);
  const chatTemplate = shape.text(map, where, 'chatTemplate', SHA256);
  const tokenizer = shape.text(map, where, 'tokenizer', SHA256);
  const files = readFiles(map, where, shape);
  const facts = readFacts(map, where, shape);
  const read = { revision, origin, manifest, quantization, license, chatTemplate, tokenizer, files, facts };
  if (source == null || beside === undefined || Object.values(read).includes(undefined)) return null;
  const more = beside === null ? {} : { beside: beside.split(', ') as Beside[] };
  return { source, ...(read as Omit<Entry, 'source' | 'beside'>), ...more };
}

/** Which keys tell an origin of which kind. */
const ORIGINS: readonly (readonly [kind: Origin['kind'], first: string, second: string | null])[] = [
  ['hf', 'repository', 'commit'],
  ['https', 'url', null],
  ['ollama', 'registry', 'name'],
];

function readOrigin(map: Located, where: string, shape: Shape): Origin | null | undefined {
  const told = ORIGINS.filter(([, ...keys]) => keys.some((key) => key !== null && child(map, key) !== undefined));
  const [first, second] = told;
  if (first === undefined) return null;
  if (second !== undefined) {
    const at = child(map, second[1]) ?? child(map, second[2] ?? '') ?? map;
    shape.add('conflicting-keys', `${where} comes from two places: \`${first[1]}\` and \`${second[1]}\``, at);
    return undefined;
  }
  switch (first[0]) {
    case 'hf': {
      const repo = shape.text(map, where, 'repository', REPOSITORY, true);
      const commit = shape.text(map, where, 'commit', COMMIT, true);
      return repo && commit ? { kind: 'hf', repo, commit } : undefined;
    }
    case 'https': {
      const url = shape.text(map, where, 'url', URL, true);
      return url ? { kind: 'https', url } : undefined;
    }
    case 'ollama': {
      const host = shape.text(map, where, 'registry', REGISTRY, true);
      const name = shape.text(map, where, 'name', NAME, true);
      const tag = shape.text(map, where, 'tag', TAG, true);
      const access = shape.text(map, where, 'access', ACCESS);
      if (!host || !name || !tag || access === undefined) return undefined;
      return { kind: 'ollama', host, name, tag, ...(access === null ? {} : { access: 'login' }) };
    }
  }
}

function readFiles(map: Located, where: string, shape: Shape): readonly RemoteFile[] | undefined {
  const located = child(map, 'files');
  if (located === undefined || isNothing(located)) {
    shape.missing(map, where, 'files', 'a list of files, each with path, bytes and sha256');
    return undefined;
  }
  if (located.node.kind !== 'list') {
    shape.wrongType(located, `\`${where.slice(1, -1)}.files\``, 'a list of files');
    return undefined;
  }
  if (items(located).length === 0) {
    shape.add('empty-list', `\`${where.slice(1, -1)}.files\` is empty`, located, { expected: 'at least one file' });
    return undefined;
  }
  const taken = new Set<string>();
  const files = items(located).map((item, index) => readFile(item, `\`${where.slice(1, -1)}.files.${index}\``, taken, shape));
  return files.every((file) => file !== null) ? files : undefined;
}

function readFile(item: Located, where: string, taken: Set<string>, shape: Shape): RemoteFile | null {
  if (!shape.map(item, where, FILE_KEYS)) return null;
  const path = shape.text(item, where, 'path', LINE, true);
  const bytes = shape.count(item, where, 'bytes', true);
  const sha256 = shape.text(item, where, 'sha256', SHA256, true);
  if (path == null || bytes == null || sha256 == null) return null;
  const at = child(item, 'path') ?? item;
  const name = `\`${where.slice(1, -1)}.path\` is ${quoted(path)}`;
  if (!isInside(path)) shape.add('invalid-path', name, at, { expected: 'a path below the folder that files are put into' });
  else if (taken.has(path)) shape.add('invalid-value', `${name}, as is another file's`, at, { expected: 'each file once' });
  else {
    taken.add(path);
    return { path, bytes, sha256 };
  }
  return null;
}

const FACT_TEXTS: readonly string[] = ['architecture', 'name', 'quantization'];

function readFacts(entry: Located, entryWhere: string, shape: Shape): GgufFacts | null | undefined {
  const map = child(entry, 'facts');
  if (map === undefined) return null;
  const where = `\`${entryWhere.slice(1, -1)}.facts\``;
  if (!shape.map(map, where, FACTS)) return undefined;
  const facts = FACTS.map((key) => {
    const isRequired = key === 'architecture' || key === 'tensorBytes';
    return [
      key,
      FACT_TEXTS.includes(key) ? shape.text(map, where, key, ANY, isRequired) : shape.count(map, where, key, isRequired),
    ] as const;
  });
  return facts.some(([, value]) => value === undefined) ? undefined : (Object.fromEntries(facts) as unknown as GgufFacts);
}

/** Where each entry's name stands. */
export function entrySpots(models: Located): ReadonlyMap<string, readonly [number, number]> {
  return new Map(entries(models).map(([name, member]) => [name, member.key ?? spot(member)]));
}

/** The version of the format that the file claims; undefined: none. */
export function versionOf(root: Located): unknown {
  return scalar(child(root, 'version'));
}
