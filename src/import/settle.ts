import { isCollection, isMap, isScalar, LineCounter, parseDocument, type Node } from 'yaml';
import { errorsIn, type Place, type Problem } from '../domain/problem.ts';
import { isEntries, type Entry, type Imported, type Item, type NotCarried } from './imported.ts';
import { namesOf, writeStack, type WriteOptions } from './write.ts';

/** What is wrong with a text of llmops.yaml. */
export type Check = (text: string) => readonly Problem[];

/** A text that llmops takes, and what had to be left out for it. `left`: problems that nothing could be left out for. */
export interface Settled {
  readonly imported: Imported;
  readonly text: string;
  readonly left: readonly Problem[];
}

/**
 * Leaves out what this llmops does not take: a key that its engine has no setting for, a value outside its limits. Each is
 * reported as not carried over. Ends, because every round leaves out something. Pure, if `check` is.
 */
export function settle(first: Imported, options: WriteOptions, check: Check): Settled {
  let imported = first;
  for (;;) {
    const text = writeStack(imported, options);
    const errors = errorsIn(check(text));
    if (errors.length === 0) return { imported, text, left: [] };
    const next = withoutAll(imported, spots(text, errors));
    if (next === null) return { imported, text, left: errors };
    imported = next;
  }
}

interface Spot {
  readonly path: readonly string[];
  readonly problem: Problem;
}

/** Finds the keys at which the problems stand. */
function spots(text: string, problems: readonly Problem[]): readonly Spot[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.2', schema: 'core', lineCounter: lines, uniqueKeys: false, logLevel: 'silent' });
  return problems.flatMap((problem) =>
    problem.place ? [{ path: pathAt(document.contents, offsetOf(lines, problem.place)), problem }] : [],
  );
}

function offsetOf(lines: LineCounter, { line, column }: Place): number {
  return (lines.lineStarts[line - 1] ?? 0) + column - 1;
}

/** Keys from the top to the innermost pair that holds the offset. */
function pathAt(node: Node | null, offset: number): readonly string[] {
  if (!isMap(node)) return [];
  for (const { key, value } of node.items) {
    const inner = value as Node | null;
    const start = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
    const end = inner?.range?.[1] ?? (isScalar(key) ? (key.range?.[1] ?? 0) : 0);
    if (offset < start || offset > end || !isScalar(key)) continue;
    return [String(key.value), ...(isCollection(inner) && offset >= (inner.range?.[0] ?? 0) ? pathAt(inner, offset) : [])];
  }
  return [];
}

/** The same without the keys at these spots; null: none of them is a part of a backend or a model. */
function withoutAll(imported: Imported, found: readonly Spot[]): Imported | null {
  const lost: NotCarried[] = [];
  const strip = <T extends Item>(
    section: string,
    list: readonly T[],
    fallback: 'engine' | 'model',
    required: readonly string[],
  ): readonly T[] => {
    const names = namesOf(list, fallback);
    const byName = new Map<string | undefined, Spot[]>();
    for (const spot of found.filter(({ path }) => path[0] === section))
      byName.set(spot.path[1], [...(byName.get(spot.path[1]) ?? []), spot]);
    return list.flatMap((item, index) => {
      const mine = byName.get(names[index]) ?? [];
      const given = item.entries.map(({ key }) => key);
      const fatal = mine.find(({ path: [, , key] }) => key === undefined || required.includes(key) || !given.includes(key));
      if (fatal)
        lost.push({
          what: item.original,
          why: `its \`${fatal.path[2] ?? 'name'}\` is nothing that llmops can use: ${because(fatal.problem)}`,
        });
      if (fatal || mine.length === 0) return fatal ? [] : [item];
      lost.push(...mine.map(({ path, problem }) => ({ what: path.slice(2).join('.'), why: because(problem), where: item.original })));
      return [{ ...item, entries: mine.reduce((entries, { path }) => without(entries, path.slice(2)), item.entries) }];
    });
  };
  const backends = strip('backends', imported.backends, 'engine', ['type', 'url']);
  const models = strip('models', imported.models, 'model', ['source', 'backend']);
  return lost.length === 0 ? null : { ...imported, backends, models, notCarried: [...imported.notCarried, ...lost] };
}

/** Empty maps go with the last key in them. */
function without(entries: readonly Entry[], [key, ...rest]: readonly string[]): readonly Entry[] {
  return entries.flatMap((one) => {
    if (one.key !== key) return [one];
    if (rest.length === 0 || !isEntries(one.value)) return [];
    const inner = without(one.value.entries, rest);
    return inner.length === 0 ? [] : [{ ...one, value: { entries: inner } }];
  });
}

/** A list of all that would be right is no reason that people read. */
const LONGEST_REASON = 60;

function because({ code, expected }: Problem): string {
  if (code === 'unknown-key') return 'llmops has no key for it';
  return expected === undefined || expected.length > LONGEST_REASON
    ? `llmops does not take its value (${code})`
    : `llmops takes ${expected} there`;
}
