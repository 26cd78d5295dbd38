import type { JsonSchema } from '../../domain/backend.ts';
import { spot, type Located, type Span } from '../located.ts';
import type { Finding } from '../report.ts';
import type { Complaint } from '../validate.ts';
import { quoted, withArticle } from '../wording.ts';

/** A validator's complaint with all that is needed to explain it. */
export interface Said {
  readonly complaint: Complaint;
  /** The schema that complains. */
  readonly schema: JsonSchema;
  /** The union that it is a branch of, or itself. */
  readonly whole: JsonSchema;
  readonly located: Located;
  /** What holds it; null: it is the file itself. */
  readonly parent: Located | null;
  readonly path: readonly string[];
  /** The path as people write it. */
  readonly name: string;
  /** The value must not be repeated. */
  readonly secret: boolean;
}

/** Where the complaint is shown. */
export function spotOf({ located }: Said): Span {
  return spot(located);
}

/** A value in words; not its content if it is a secret. */
export function describe(located: Located, secret: boolean): string {
  if (located.node.kind !== 'scalar') return located.node.kind === 'list' ? 'a list' : 'a map';
  const { value } = located.node;
  if (secret) return 'of another type';
  if (value === null) return 'null';
  return typeof value === 'string' ? `the text ${quoted(value)}` : `${typeof value === 'number' ? 'the number ' : ''}${String(value)}`;
}

/** Nothing was written after the key: not the same as saying `null`, rather something left half done. */
export function isUnset(located: Located): boolean {
  return located.node.kind === 'scalar' && located.node.empty;
}

/** The finding for a key without a value. */
export function emptyValue(name: string, schema: JsonSchema, located: Located): Finding {
  return {
    code: 'empty-value',
    summary: `${name} has no value`,
    expected: withArticle(schema),
    fix: 'Give it a value, or remove the key.',
    at: spot(located),
  };
}

/** What a name must look like; the schema's pattern in words. */
export const NAME_RULE = {
  code: 'invalid-name',
  expected: 'up to 63 of a-z 0-9 . _ -, beginning with a letter or digit (names become file names and labels)',
};

/** The nearest name that can be one. */
export function nameLike(key: string): string {
  const clean = key
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return clean === '' || clean === key ? 'Choose another name.' : `Write \`${clean}\`.`;
}
