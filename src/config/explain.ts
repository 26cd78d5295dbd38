import type { JsonSchema } from '../domain/backend.ts';
import { spot, text, type Located, type Span } from './located.ts';
import type { Finding } from './report.ts';
import { isSecretKey } from './secrets.ts';
import { nearest } from './suggest.ts';
import { SYNONYMS } from './synonyms.ts';
import { kindOf, mismatch, quoted, withArticle } from './wording.ts';
import type { Complaint } from './validate.ts';

/** What a validator's complaint means to a person; null for a complaint that only repeats another. */
export function explain(complaint: Complaint, { schema, whole }: { readonly schema: JsonSchema; readonly whole?: JsonSchema | undefined }, located: Located, path: readonly string[]): Finding | null {
  const secret = path.some(isSecretKey);
  const name = path.length === 0 ? 'the file' : `\`${path.join('.')}\``;
  const said: Said = { complaint, schema, whole: whole ?? schema, located, path, name, secret };
  if (complaint.propertyName !== undefined && complaint.keyword === 'pattern') return badName(said, complaint.propertyName);
  return (EXPLANATIONS[complaint.keyword] ?? null)?.(said) ?? null;
}

interface Said {
  readonly complaint: Complaint;
  /** The schema that complains. */
  readonly schema: JsonSchema;
  /** The union that it is a branch of, or itself. */
  readonly whole: JsonSchema;
  readonly located: Located;
  readonly path: readonly string[];
  /** The path as people write it. */
  readonly name: string;
  /** The value must not be repeated. */
  readonly secret: boolean;
}

const EXPLANATIONS: Readonly<Record<string, (said: Said) => Finding | null>> = {
  additionalProperties: unknownKey,
  required: missingKey,
  type: wrongType,
  anyOf: wrongType,
  enum: notOneOf,
  const: notConst,
  discriminator: badTag,
  pattern: wrongSpelling,
  minimum: outOfRange,
  maximum: outOfRange,
  exclusiveMinimum: outOfRange,
  exclusiveMaximum: outOfRange,
  minItems: (said) => ({ code: 'empty-list', summary: `${said.name} is an empty list`, expected: 'at least one item', fix: 'Add an item, or remove the key.', at: at(said) }),
  minProperties: secretShape,
  maxProperties: secretShape,
};

function at({ located }: Said): Span {
  return spot(located);
}

function unknownKey({ complaint, schema, located, path, name }: Said): Finding {
  const key = String(complaint.params['additionalProperty']);
  const allowed = allowedKeys(schema);
  const guess = guessKey(key, allowed);
  const member = located.node.kind === 'map' ? located.node.members.get(key) : undefined;
  const isReferenceKey = allowed.includes('env') && allowed.includes('command');
  return {
    code: 'unknown-key',
    summary: `${isReferenceKey ? 'this key' : quoted(key)} is not a key ${path.length === 0 ? 'of llmops.yaml' : `of ${name}`}`,
    expected: allowed.length > 0 ? `one of ${allowed.join(', ')}` : 'no keys here',
    fix: guess === null ? 'Remove it.' : `Did you mean \`${guess}\`?`,
    at: member?.key ?? spot(located),
  };
}

function allowedKeys(schema: JsonSchema): readonly string[] {
  return Object.keys((schema['properties'] as object | undefined) ?? {});
}

function unknownMembers(schema: JsonSchema, { node }: Located): readonly string[] {
  const allowed = allowedKeys(schema);
  return node.kind === 'map' ? [...node.members.keys()].filter((key) => !allowed.includes(key)) : [];
}

function guessKey(key: string, allowed: readonly string[]): string | null {
  const synonym = SYNONYMS.get(key.toLowerCase().replace(/[-_]/g, ''));
  return nearest(key, allowed) ?? (synonym !== undefined && allowed.includes(synonym) ? synonym : null);
}

function missingKey({ complaint, schema, located, path, name }: Said): Finding | null {
  const key = String(complaint.params['missingProperty']);
  if (unknownMembers(schema, located).some((member) => guessKey(member, allowedKeys(schema)) === key)) return null; // misspelled, not missing
  const property = (schema['properties'] as Record<string, JsonSchema> | undefined)?.[key];
  const expected = property?.['const'] === undefined ? `\`${key}\`: ${withArticle(property ?? {})}` : `\`${key}: ${String(property['const'])}\``;
  const where = path.length === 0 ? 'the file' : name;
  const at = path.length === 0 ? ([located.at[0], located.at[0] + 1] as const) : (located.key ?? located.at);
  return { code: 'missing-key', summary: `${where} has no \`${key}\``, expected, fix: `Add \`${key}: ${property?.['const'] === undefined ? '...' : String(property['const'])}\`.`, at };
}

function wrongType(said: Said): Finding | null {
  const { schema, located, name, secret, complaint } = said;
  if (isUnset(located)) return emptyValue(name, schema, located);
  if (complaint.keyword === 'type' && schema['enum'] !== undefined) return null; // said by `enum`, with a guess
  const expected = withArticle(schema);
  if (kindOf(schema) === 'secret' && located.node.kind === 'scalar') return literalSecret(said);
  const code = CODES[kindOf(schema) ?? ''] ?? 'wrong-type';
  const fix = mismatch(schema, located, secret);
  return { code, summary: `${name} is ${describe(located, secret)}`, expected, ...(fix !== null && { fix }), at: at(said) };
}

/** Nothing was written after the key: not the same as saying `null`, rather something left half done. */
export function isUnset(located: Located): boolean {
  return located.node.kind === 'scalar' && located.node.empty;
}

/** The finding for a key without a value. */
export function emptyValue(name: string, schema: JsonSchema, located: Located): Finding {
  return { code: 'empty-value', summary: `${name} has no value`, expected: withArticle(schema), fix: 'Give it a value, or remove the key.', at: spot(located) };
}

const CODES: Readonly<Record<string, string>> = { size: 'invalid-size', duration: 'invalid-duration' };

function literalSecret(said: Said): Finding {
  const key = ['env', 'file', 'command'].includes(said.path.at(-1) ?? '') ? said.path.at(-2) : said.path.at(-1);
  return {
    code: 'secret-literal',
    summary: `${said.name} is written out; llmops.yaml holds no secrets`,
    expected: 'a reference: { env: NAME }, { file: PATH } or { command: COMMAND }',
    fix: `Put it into an environment variable and write \`${key}: { env: NAME }\`. If the file was shared, change the secret.`,
    at: at(said),
  };
}

function secretShape(said: Said): Finding | null {
  if (unknownMembers(said.schema, said.located).length > 0) return null; // each of them is said
  const none = said.located.node.kind === 'map' && said.located.node.members.size === 0;
  return {
    code: 'secret-reference',
    summary: `${said.name} names ${none ? 'no place' : 'several places'} for the secret`,
    expected: 'exactly one of env, file, command',
    fix: none ? 'Write `{ env: NAME }`.' : 'Keep one of them.',
    at: at(said),
  };
}

function describe(located: Located, secret: boolean): string {
  if (located.node.kind !== 'scalar') return located.node.kind === 'list' ? 'a list' : 'a map';
  const { value } = located.node;
  if (secret) return 'of another type';
  if (value === null) return 'null';
  return typeof value === 'string' ? `the text ${quoted(value)}` : `${typeof value === 'number' ? 'the number ' : ''}${String(value)}`;
}

function notOneOf(said: Said): Finding | null {
  const { schema, whole, located, name, secret } = said;
  if (isUnset(located)) return null; // said by `type`
  const allowed = (schema['enum'] as readonly unknown[]).filter((value) => value !== null).map(String);
  const value = located.node.kind === 'scalar' ? located.node.value : null;
  const switched = value === true ? 'on' : value === false ? 'off' : null;
  const guess = switched !== null && allowed.includes(switched) ? switched : nearest(String(value), allowed);
  return {
    code: 'unknown-value',
    summary: `${name} is ${describe(located, secret)}`,
    expected: withArticle(whole),
    ...(guess !== null && { fix: `Did you mean \`${guess}\`?` }),
    at: at(said),
  };
}

function notConst(said: Said): Finding {
  const value = String(said.schema['const']);
  return { code: 'unsupported-version', summary: `${said.name} is ${describe(said.located, said.secret)}`, expected: value, fix: `Write \`${said.path.at(-1)}: ${value}\`; newer formats need a newer llmops.`, at: at(said) };
}

/** A backend's `type` is missing or unknown; the rest of the backend cannot be checked then. */
function badTag({ schema, located, name }: Said): Finding {
  const types = (schema['oneOf'] as JsonSchema[]).map((branch) => String(((branch['properties'] as Record<string, JsonSchema>)['type'] ?? {})['const']));
  const tag = located.node.kind === 'map' ? located.node.members.get('type') : undefined;
  const expected = `one of ${types.join(', ')}`;
  if (tag === undefined) return { code: 'missing-key', summary: `${name} has no \`type\``, expected: `\`type\`: ${expected}`, fix: 'Add `type: llama.cpp`, say.', at: located.key ?? located.at };
  const guess = nearest(text(tag) ?? '', types);
  return { code: 'unknown-value', summary: `\`${name.slice(1, -1)}.type\` is ${describe(tag, false)}`, expected, ...(guess !== null && { fix: `Did you mean \`${guess}\`?` }), at: spot(tag) };
}

function badName({ located }: Said, key: string): Finding {
  const member = located.node.kind === 'map' ? located.node.members.get(key) : undefined;
  return { ...NAME_RULE, summary: `${quoted(key)} cannot be a name`, fix: suggestion(key), at: member?.key ?? spot(located) };
}

const NAME_RULE = { code: 'invalid-name', expected: 'up to 63 of a-z 0-9 . _ -, beginning with a letter or digit (names become file names and labels)' };

function suggestion(key: string): string {
  const clean = key.toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+/, '').slice(0, 63).replace(/-+$/, '');
  return clean === '' || clean === key ? 'Choose another name.' : `Write \`${clean}\`.`;
}

function wrongSpelling(said: Said): Finding {
  const { schema, located, name, secret } = said;
  const value = located.node.kind === 'scalar' ? String(located.node.value) : '';
  const kind = kindOf(schema);
  if (secret && kind !== 'path') return { ...literalSecret(said), summary: `${name} is not the name of an environment variable` };
  if (said.path.length === 1 && said.path[0] === 'name') return { ...NAME_RULE, summary: `${name} is ${quoted(value)}`, fix: suggestion(value), at: at(said) };
  const fix = mismatch(schema, located, secret);
  return { code: kind === undefined ? 'invalid-value' : `invalid-${kind}`, summary: `${name} is ${describe(located, secret)}`, expected: withArticle(schema), ...(fix !== null && { fix }), at: at(said) };
}

function outOfRange(said: Said): Finding {
  const { schema, located } = said;
  const value = located.node.kind === 'scalar' ? Number(located.node.value) : 0;
  const isPercent = (schema['maximum'] ?? schema['exclusiveMaximum']) === 1 && value > 1 && value <= 100;
  const fix = isPercent ? { fix: `Write \`${value / 100}\`, if ${value} % is what you mean.` } : {};
  return { code: 'out-of-range', summary: `${said.name} is ${describe(located, said.secret)}`, expected: withArticle(schema), ...fix, at: at(said) };
}
