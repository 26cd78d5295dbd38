import { entries, scalar, spot, type Located } from '../config/located.ts';
import type { Findings } from '../config/report.ts';
import { quoted } from '../config/wording.ts';
import { nearest } from '../domain/text.ts';

/** What helps with an entry that somebody or something changed: nobody knows a digest by heart. */
export const RESTORE = 'Put it back as git has it, or take the whole entry out and run `llmops lock`.';

/** How a value must be spelled. */
export interface Spelling {
  readonly pattern: RegExp;
  readonly expected: string;
  readonly code?: string;
}

export const SHA256: Spelling = { pattern: /^[0-9a-f]{64}$/, expected: '64 hex digits in lower case', code: 'invalid-sha256' };
export const COMMIT: Spelling = { pattern: /^[0-9a-f]{40}$/, expected: 'a commit: 40 hex digits in lower case' };
/** What others made up: a license, a name in a header. It is made safe where it is shown, and must not keep the rest from being pinned. */
export const ANY: Spelling = { pattern: /^/, expected: 'a text' };
export const LINE: Spelling = { pattern: /^[^\p{Cc}]+$/u, expected: 'a text' };

/** Reads values out of a map and tells what is wrong with them, each at its place. Sizes and texts come back as undefined where they are wrong. */
export class Shape {
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  add(code: string, summary: string, at: Located, more: { readonly expected?: string; readonly fix?: string } = {}): void {
    this.#findings.add({ code, summary, fix: RESTORE, ...more, at: spot(at) });
  }

  /** True for a map; its keys are all of `known`, or are told. */
  map(located: Located, where: string, known: readonly string[]): boolean {
    if (located.node.kind !== 'map') {
      this.wrongType(located, where, 'a map');
      return false;
    }
    for (const [key, member] of entries(located)) {
      if (known.includes(key)) continue;
      const guess = nearest(key, known);
      this.#findings.add({
        code: 'unknown-key',
        summary: `${quoted(key)} is not a key of ${where}`,
        expected: `one of ${known.join(', ')}`,
        fix: guess === null ? 'Remove it; if a newer llmops wrote it, update llmops.' : `Did you mean \`${guess}\`?`,
        at: member.key ?? member.at,
      });
    }
    return true;
  }

  /** A text spelled right; null if the key is not there and need not be; undefined if it is wrong. */
  text(map: Located, where: string, key: string, spelling: Spelling, isRequired = false): string | null | undefined {
    const located = this.#member(map, where, key, spelling.expected, isRequired);
    if (located === null || located === undefined) return located;
    const value = scalar(located);
    const path = `\`${where.slice(1, -1)}.${key}\``;
    if (typeof value === 'string' && spelling.pattern.test(value)) return value;
    if (typeof value === 'number') this.wrongType(located, path, spelling.expected, 'Put it in quotes, as git has it.');
    else if (typeof value !== 'string') this.wrongType(located, path, spelling.expected);
    else this.add(spelling.code ?? 'invalid-value', `${path} is ${quoted(value)}`, located, { expected: spelling.expected });
    return undefined;
  }

  /** A whole number from 0; null if the key is not there and need not be; undefined if it is wrong. */
  count(map: Located, where: string, key: string, isRequired = false): number | null | undefined {
    const expected = 'a whole number, 0 or more';
    const located = this.#member(map, where, key, expected, isRequired);
    if (located === null || located === undefined) return located;
    const value = scalar(located);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    const path = `\`${where.slice(1, -1)}.${key}\``;
    if (typeof value === 'number') this.add('out-of-range', `${path} is ${value}`, located, { expected });
    else this.wrongType(located, path, expected);
    return undefined;
  }

  /** A member that is there and not empty; null if it may be missing and is; undefined after a finding. */
  #member(map: Located, where: string, key: string, expected: string, isRequired: boolean): Located | null | undefined {
    const located = map.node.kind === 'map' ? map.node.members.get(key) : undefined;
    if (located === undefined && !isRequired) return null;
    if (located === undefined) this.missing(map, where, key, expected);
    else if (isNothing(located)) this.add('empty-value', `\`${where.slice(1, -1)}.${key}\` has no value`, located, { expected });
    else return located;
    return undefined;
  }

  missing(map: Located, where: string, key: string, expected: string, fix: string = RESTORE): void {
    this.add('missing-key', `${where} has no \`${key}\``, map, { expected: `\`${key}\`: ${expected}`, fix });
  }

  wrongType(located: Located, path: string, expected: string, fix: string = RESTORE): void {
    const kind = located.node.kind === 'scalar' ? described(located.node.value) : `a ${located.node.kind}`;
    this.add('wrong-type', `${path} is ${kind}`, located, { expected, fix });
  }
}

/** True for a key behind which nothing stands, or `null`. */
export function isNothing({ node }: Located): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function described(value: string | number | boolean | null): string {
  if (value === null) return 'empty';
  if (typeof value === 'string') return `the text ${quoted(value)}`;
  return typeof value === 'number' && !Number.isSafeInteger(value)
    ? 'a number'
    : `the ${typeof value === 'number' ? 'number' : 'switch'} ${value}`;
}
