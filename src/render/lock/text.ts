import type { EntryDiff, FieldDiff, FileDiff, LockDiff } from '../../domain/lock.ts';
import { bytes, counted } from '../format/units.ts';
import { shortDigest } from '../format/values.ts';
import { line, span, whole, type Line, type Span, type Tone } from '../text/lines.ts';
import { BLANK, entry, printPage, type Entry, type Looks } from '../text/page.ts';

const SIGNS: Readonly<Record<EntryDiff['change'], readonly [sign: string, tone: Tone]>> = {
  added: ['+', 'add'],
  changed: ['~', 'change'],
  removed: ['-', 'remove'],
};

/** Column at which the values of an entry start. */
const VALUES = 26;
const FILES = 8;

/**
 * What differs between two lock files, for the person who reviews it: each entry with what it was and what it is, the
 * files with their sizes, and what a change means where that is not plain. Empty if nothing differs.
 */
export function renderLockDiff(diff: LockDiff, looks: Looks): string {
  const blocks = [...diff.models.map(entryBlock), ...(diff.engines.length === 0 ? [] : [enginesBlock(diff.engines)])];
  if (blocks.length === 0) return '';
  return printPage(
    blocks.flatMap((block, index) => (index === 0 ? block : [BLANK, ...block])),
    looks,
  );
}

/** How many entries differ, in words: `1 added, 2 changed`; empty if none does. */
export function lockDiffWords({ models, engines }: LockDiff): string {
  const count = (change: EntryDiff['change']): string => {
    const number = models.filter((one) => one.change === change).length;
    return number === 0 ? '' : `${number} ${change}`;
  };
  const engineWords = engines.length === 0 ? '' : counted(engines.length, 'engine version');
  return [count('added'), count('changed'), count('removed'), engineWords].filter((words) => words !== '').join(', ');
}

function entryBlock(diff: EntryDiff): readonly Entry[] {
  const [sign, tone] = SIGNS[diff.change];
  const title = entry(line(span(`${sign} `, tone), span(diff.entry, 'strong'), `  ${diff.source}`), 4);
  if (diff.change === 'removed') return [title, field('files', [`${counted(diff.files.length, 'file')}, ${bytes(diff.bytes.from ?? 0)}`])];
  const fields = diff.fields.filter((one) => isShown(one, diff));
  return [title, ...fields.map((one) => fieldEntry(one, diff.change === 'added')), ...fileEntries(diff)];
}

/** A new entry is told by what people decide by; its title says the source already. */
const OF_A_NEW_ENTRY = [
  'revision',
  'repository',
  'url',
  'registry',
  'name',
  'access',
  'commit',
  'manifest',
  'beside',
  'quantization',
  'license',
];

/** What follows from something else that is shown is left out. */
function isShown({ name }: FieldDiff, { change, fields, files }: EntryDiff): boolean {
  if (change === 'added') return OF_A_NEW_ENTRY.includes(name);
  if (name === 'facts.tensorBytes') return files.length === 0;
  return name !== 'facts.quantization' || !fields.some((other) => other.name === 'quantization');
}

/** What a change of these means to whoever runs the model. */
const MEANING: Readonly<Record<string, string>> = {
  license: 'read it',
  chatTemplate: 'other prompts',
  tokenizer: 'other tokens',
};

function fieldEntry({ name, from, to }: FieldDiff, isNew: boolean): Entry {
  const [old, fresh] = pairOf(from, to);
  if (isNew) return field(name, [fresh]);
  const meaning = MEANING[name];
  const note = meaning === undefined ? [] : ['  ', whole(`# ${meaning}`, 'note')];
  return field(name, [span(old, 'remove'), ' → ', span(fresh, 'add'), ...note]);
}

function field(name: string, parts: readonly (string | Span)[]): Entry {
  return entry(line(`    ${name}`, ' '.repeat(Math.max(2, VALUES - 4 - name.length)), ...parts), VALUES);
}

type Value = string | number | null;

/** Both values, short if that tells them apart. */
function pairOf(from: Value, to: Value): readonly [string, string] {
  const [a, b] = [valueText(from), valueText(to)];
  return a === b ? [String(from), String(to)] : [a, b];
}

function valueText(value: Value): string {
  if (value === null) return 'none';
  if (typeof value === 'number') return String(value);
  return /^[0-9a-f]{40}$/.test(value) ? value.slice(0, 12) : shortDigest(value);
}

function fileEntries({ change, files, bytes: { from, to } }: EntryDiff): readonly Entry[] {
  if (files.length === 0) return [];
  const isNew = change === 'added';
  const total = isNew || from === to ? bytes(to ?? 0) : `${bytes(from ?? 0)} → ${bytes(to ?? 0)}`;
  return [field('files', [`${isNew ? counted(files.length, 'file') : filesWords(files)}, ${total}`]), ...files.map(fileEntry)];
}

function filesWords(files: readonly FileDiff[]): string {
  const count = (word: string, isOne: (file: FileDiff) => boolean): string => {
    const number = files.filter(isOne).length;
    return number === 0 ? '' : `${number} ${word}`;
  };
  const words = [
    count('removed', ({ to }) => to === null),
    count('added', ({ from }) => from === null),
    count('changed', ({ from, to }) => from !== null && to !== null),
  ];
  return words.filter((word) => word !== '').join(', ');
}

function fileEntry({ from, to }: FileDiff): Entry {
  if (from === null || to === null) {
    const [sign, tone] = SIGNS[from === null ? 'added' : 'removed'];
    const file = (to ?? from)!;
    return row(line(span(`${sign} `, tone), file.path), bytes(file.bytes), shortDigest(file.sha256));
  }
  const name = from.path === to.path ? [to.path] : [from.path, ' → ', to.path];
  const size = from.bytes === to.bytes ? bytes(to.bytes) : pairOf(bytes(from.bytes), bytes(to.bytes)).join(' → ');
  const content = from.sha256 === to.sha256 ? 'same content' : pairOf(from.sha256, to.sha256).join(' → ');
  return row(line(span('~ ', 'change'), ...name), size, content);
}

function row(name: Line, size: string, content: string): Entry {
  return {
    content: [...line(' '.repeat(FILES - 2)), ...name],
    hang: FILES,
    tail: { place: line(size), remark: line(content) },
    table: 'files',
  };
}

function enginesBlock(engines: readonly FieldDiff[]): readonly Entry[] {
  return [entry(line(span('~ ', 'change'), span('engines', 'strong'))), ...engines.map((one) => fieldEntry(one, one.from === null))];
}
