import type { EntryDiff, FieldDiff, FileDiff, LockDiff } from '../domain/lock.ts';
import { compareText } from '../domain/text.ts';
import type { Lock, LockedModel, RemoteFile } from '../domain/weights.ts';
import { factPairs, scalarsOf } from './fields.ts';

/** What differs from one lock to the next, entry by entry. Pure; order of keys and of text count as nothing. */
export function diffLock(before: Lock, after: Lock): LockDiff {
  return {
    models: namesOf(before.models, after.models).flatMap((name) => {
      const diff = diffEntry(name, own(before.models, name), own(after.models, name));
      return diff === null ? [] : [diff];
    }),
    engines: diffPairs(Object.entries(before.engines), Object.entries(after.engines)).toSorted((a, b) => compareText(a.name, b.name)),
  };
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | null {
  return Object.hasOwn(record, name) ? (record[name] ?? null) : null;
}

function namesOf(...records: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))].sort(compareText);
}

function diffEntry(entry: string, before: LockedModel | null, after: LockedModel | null): EntryDiff | null {
  const fields = diffPairs(pairsOf(before), pairsOf(after));
  const files = diffFiles(before?.files ?? [], after?.files ?? []);
  if (fields.length === 0 && files.length === 0) return null;
  return {
    entry,
    change: before === null ? 'added' : after === null ? 'removed' : 'changed',
    source: (after ?? before)!.source,
    fields,
    files,
    bytes: { from: bytesOf(before), to: bytesOf(after) },
  };
}

type Pairs = readonly (readonly [string, string | number])[];

function pairsOf(locked: LockedModel | null): Pairs {
  if (locked === null) return [];
  return [...scalarsOf(locked), ...(locked.facts ? factPairs(locked.facts) : []).map(([key, value]) => [`facts.${key}`, value] as const)];
}

function diffPairs(before: Pairs, after: Pairs): readonly FieldDiff[] {
  const [from, to] = [new Map(before), new Map(after)];
  const names = new Set([...from.keys(), ...to.keys()]);
  return [...names]
    .map((name): FieldDiff => ({ name, from: from.get(name) ?? null, to: to.get(name) ?? null }))
    .filter((field) => field.from !== field.to);
}

/** Files by path; of those left over, one with the same content under another name is the same file. */
function diffFiles(before: readonly RemoteFile[], after: readonly RemoteFile[]): readonly FileDiff[] {
  const [old, fresh] = [new Map(before.map((file) => [file.path, file])), new Map(after.map((file) => [file.path, file]))];
  const gone = before.filter(({ path }) => !fresh.has(path));
  const fromOf = (file: RemoteFile): RemoteFile | null => {
    const same = old.get(file.path);
    if (same !== undefined) return same;
    const moved = gone.findIndex(({ sha256 }) => sha256 === file.sha256);
    return moved === -1 ? null : gone.splice(moved, 1)[0]!;
  };
  const arrived = after.map((to): FileDiff => ({ from: fromOf(to), to })).filter(({ from, to }) => !isSame(from, to));
  return [...gone.map((from): FileDiff => ({ from, to: null })), ...arrived];
}

function isSame(a: RemoteFile | null, b: RemoteFile | null): boolean {
  return a !== null && b !== null && a.path === b.path && a.bytes === b.bytes && a.sha256 === b.sha256;
}

function bytesOf(locked: LockedModel | null): number | null {
  return locked === null ? null : locked.files.reduce((sum, { bytes }) => sum + bytes, 0);
}
