import { isMap, isPair, isScalar, isSeq, parseDocument, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { compareText } from '../domain/text.ts';
import type { RemoteFile } from '../domain/weights.ts';
import { Draft } from './draft.ts';
import { engineLine, entryLines, fieldLines, fieldsOf, fileLines, type Entry, type Field, type WrittenLock } from './fields.ts';
import { scalarText } from './scalar.ts';

/** A key and its value, both with their ranges. */
type Member = Pair<Scalar, Node>;

/**
 * The text of a lock file changed from one lock into another, value by value, so that all else keeps its bytes. null if the
 * text is written in a way that this cannot do (flow style over several lines, say).
 */
export function editText(
  text: string,
  before: WrittenLock,
  after: WrittenLock,
): { readonly text: string; readonly kept: readonly string[] } | null {
  const draft = new Draft(text);
  const root = parseDocument(draft.text, { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, logLevel: 'error' }).contents;
  const models = memberOf(root, 'models');
  const engines = memberOf(root, 'engines');
  if (models === undefined || engines === undefined) return null;
  editSection(draft, models, {
    before: before.models,
    after: after.models,
    gap: true,
    change: (member, from, to) => editEntry(draft, member, from, to),
    lines: (name, entry) => entryLines(name, entry),
  });
  editSection(draft, engines, {
    before: before.engines,
    after: after.engines,
    gap: false,
    change: (member, _, engine) => draft.replace(...rangeOf(member.value), scalarText(engine)),
    lines: (name, engine) => [engineLine(name, engine)],
  });
  const result = draft.result();
  return result === null ? null : { text: result, kept: draft.kept() };
}

function memberOf(map: unknown, key: string): Member | undefined {
  return isMap(map) ? (map.items as Member[]).find((pair) => keyOf(pair) === key) : undefined;
}

function keyOf({ key }: Member): string {
  return isScalar(key) ? (key.source ?? String(key.value)) : '';
}

function rangeOf(node: Node | null): readonly [number, number] {
  return node?.range ? [node.range[0], node.range[1]] : [0, 0];
}

interface Section<T> {
  readonly before: Readonly<Record<string, T>>;
  readonly after: Readonly<Record<string, T>>;
  /** An empty line stands between two members. */
  readonly gap: boolean;
  readonly change: (member: Member, from: T, to: T) => void;
  /** A new member, indented from its name. */
  readonly lines: (name: string, value: T) => readonly string[];
}

function editSection<T>(draft: Draft, section: Member, parts: Section<T>): void {
  const { before, after } = parts;
  const names = Object.keys(after).sort(compareText);
  const isBlock = isMap(section.value) && !section.value.flow && section.value.items.length > 0;
  if (!isBlock) return names.length === 0 ? undefined : openSection(draft, section, parts, names);
  const members = (section.value as unknown as YAMLMap<Scalar, Node>).items as Member[];
  const staying = members.filter((member) => Object.hasOwn(after, keyOf(member)));
  if (staying.length === 0) return refillSection(draft, section, members, parts, names);
  for (const member of members) {
    const name = keyOf(member);
    if (Object.hasOwn(after, name)) parts.change(member, before[name]!, after[name]!);
    else dropMember(draft, member);
  }
  const indent = draft.column(staying[0]!.key.range![0]);
  for (const [at, added] of placesFor(
    draft,
    section,
    staying,
    names.filter((name) => !Object.hasOwn(before, name)),
  )) {
    const isTop = at === topOf(draft, section);
    const lines = added.map((name) => parts.lines(name, after[name]!));
    draft.insert(at, indent, parts.gap ? lines.flatMap((one) => (isTop ? [...one, ''] : ['', ...one])) : lines.flat());
  }
}

/** Behind the line of the section's own key. */
function topOf(draft: Draft, section: Member): number {
  return draft.lineEnd(section.key.range![1]);
}

/** Where new members go: each behind the last one that stays and sorts before it, several in one place in their order. */
function placesFor(
  draft: Draft,
  section: Member,
  staying: readonly Member[],
  added: readonly string[],
): ReadonlyMap<number, readonly string[]> {
  const places = new Map<number, string[]>();
  for (const name of added) {
    const above = staying.findLast((member) => compareText(keyOf(member), name) < 0);
    const at = above === undefined ? topOf(draft, section) : endOfMember(draft, above);
    places.set(at, [...(places.get(at) ?? []), name]);
  }
  return places;
}

/** `models: {}` gets its first members. */
function openSection<T>(draft: Draft, section: Member, { after, gap, lines }: Section<T>, names: readonly string[]): void {
  const colon = draft.text.indexOf(':', section.key.range![1]) + 1;
  const end = isMap(section.value) ? rangeOf(section.value)[1] : colon; // nothing at all has its place behind a comment
  draft.replace(colon, end, '');
  const added = names.map((name, index) => [...(gap && index > 0 ? [''] : []), ...lines(name, after[name]!)]);
  draft.insert(draft.lineEnd(end - 1), 2, added.flat());
}

/** Nothing of the section stays: it is emptied, and filled again if there is anything. */
function refillSection<T>(
  draft: Draft,
  section: Member,
  members: readonly Member[],
  { after, gap, lines }: Section<T>,
  names: readonly string[],
): void {
  const from = topOf(draft, section);
  draft.drop(from, endOfMember(draft, members.at(-1)!));
  const colon = draft.text.indexOf(':', section.key.range![1]) + 1;
  if (names.length === 0) draft.replace(colon, colon, ' {}');
  const added = names.map((name, index) => [...(gap && index > 0 ? [''] : []), ...lines(name, after[name]!)]);
  draft.insert(from, 2, added.flat());
}

/** Takes a member away, with the comments right above it and those that are indented below it, and the empty lines behind it. */
function dropMember(draft: Draft, member: Member): void {
  let from = draft.lineStart(member.key.range![0]);
  const above = new RegExp(`^ {0,${draft.column(member.key.range![0])}}#`);
  while (from > 0 && above.test(draft.text.slice(draft.lineStart(from - 1), from))) from = draft.lineStart(from - 1);
  let to = endOfMember(draft, member);
  while (to < draft.text.length && /^[ \t]*\r?\n$/.test(draft.text.slice(to, draft.lineEnd(to)))) to = draft.lineEnd(to);
  draft.drop(from, to);
}

/** Behind the last line of a member of a section, and the comments that are indented below it. */
function endOfMember(draft: Draft, member: Member): number {
  const inside = new RegExp(`^ {${draft.column(member.key.range![0]) + 1},}#`);
  let end = endOf(draft, member);
  while (inside.test(draft.text.slice(end, draft.lineEnd(end)))) end = draft.lineEnd(end);
  return end;
}

/** Behind the last line of a key and its value. */
function endOf(draft: Draft, { key, value }: Member): number {
  return endOfNode(draft, value, key.range![1]);
}

/** Behind the last line on which something of a node stands: the library's own ends take in comments and empty lines, at times. */
function endOfNode(draft: Draft, node: Node | null, fallback: number): number {
  const last = (isMap(node) || isSeq(node)) && !node.flow ? node.items.at(-1) : undefined;
  if (last !== undefined) {
    const [key, value] = isPair(last) ? [last.key as Node, last.value as Node | null] : [null, last as Node];
    return endOfNode(draft, value, key?.range?.[1] ?? fallback);
  }
  const end = Math.max(fallback, isScalar(node) && node.value === null ? 0 : (node?.range?.[1] ?? 0));
  return draft.text[end - 1] === '\n' ? end : draft.lineEnd(end);
}

function editEntry(draft: Draft, member: Member, before: Entry, after: Entry): void {
  const [from, to] = [fieldsOf(before), fieldsOf(after)];
  if (same(from, to)) return;
  if (!isMap(member.value) || member.value.flow) {
    const [start] = rangeOf(member.key);
    return draft.replaceLines(draft.lineStart(start), endOf(draft, member), draft.column(start), entryLines(keyOf(member), after));
  }
  const indent = draft.column(rangeOf(member.value.items[0]!.key as Node)[0]);
  let above: Member | undefined;
  for (const { key } of from) {
    if (to.some((field) => field.key === key)) continue;
    const gone = memberOf(member.value, key);
    if (gone) draft.replaceLines(draft.lineStart(gone.key.range![0]), endOf(draft, gone), indent, []);
  }
  for (const field of to) {
    const there = memberOf(member.value, field.key);
    if (there === undefined && above !== undefined) draft.insert(endOf(draft, above), indent, fieldLines(field));
    if (there === undefined) continue;
    const former = from.find(({ key }) => key === field.key);
    if (former === undefined || !same([former], [field])) editField(draft, there, indent, field, after.files);
    above = there;
  }
}

function same(a: readonly Field[], b: readonly Field[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** One value in the place of another. */
function editField(draft: Draft, member: Member, indent: number, field: Field, files: readonly RemoteFile[]): void {
  if (field.key === 'files' && editFiles(draft, member, files)) return;
  const [from, to] = rangeOf(member.value);
  const isOneLine = field.below.length === 0 && to > from && !draft.text.slice(from, to).includes('\n');
  if (isOneLine) return draft.replace(from, to, field.value);
  draft.replaceLines(draft.lineStart(member.key.range![0]), endOf(draft, member), indent, fieldLines(field));
}

/** The items one by one, so that comments beside them stay; false if they are not written one key a line. */
function editFiles(draft: Draft, member: Member, files: readonly RemoteFile[]): boolean {
  const list = member.value;
  if (!isSeq(list) || list.flow || !list.items.every((item) => isMap(item) && !item.flow)) return false;
  const items = list.items as YAMLMap<Scalar, Node>[];
  for (const [index, item] of items.entries()) {
    const file = files[index];
    if (file === undefined) dropFile(draft, item);
    else {
      for (const key of ['path', 'bytes', 'sha256'] as const) {
        const [from, to] = rangeOf(memberOf(item, key)?.value ?? null);
        draft.replace(from, to, scalarText(file[key]));
      }
    }
  }
  const last = items.at(-1)!;
  const dash = draft.text.lastIndexOf('-', rangeOf(items[0]!)[0]);
  draft.insert(endOfNode(draft, last, 0), draft.column(dash) - 2, files.slice(items.length).flatMap(fileLines));
  return true;
}

function dropFile(draft: Draft, item: Node): void {
  const from = draft.lineStart(rangeOf(item)[0]);
  draft.replaceLines(from, endOfNode(draft, item, 0), draft.column(rangeOf(item)[0]) - 2, []);
}
