import type { Finding } from '../report.ts';
import { nearest } from '../suggest.ts';
import { kindOf, mismatch, quoted, withArticle } from '../wording.ts';
import { describe, emptyValue, isUnset, NAME_RULE, nameLike, spotOf, type Said } from './said.ts';
import { literalSecret } from './secret.ts';
import { wrongShape } from './shape.ts';

/** A value of another type, or of none that a union allows. */
export function wrongType(said: Said): Finding | null {
  const { schema, located, name, secret, complaint } = said;
  const shape = wrongShape(said);
  if (shape !== undefined) return shape;
  if (isUnset(located)) return emptyValue(name, schema, located);
  if (complaint.keyword === 'type' && schema['enum'] !== undefined) return null; // said by `enum`, with a guess
  const expected = withArticle(schema);
  if (kindOf(schema) === 'secret' && located.node.kind === 'scalar') return literalSecret(said);
  const code = CODES[kindOf(schema) ?? ''] ?? 'wrong-type';
  const fix = bareNumber(said) ?? mismatch(schema, located, secret);
  return { code, summary: `${name} is ${describe(located, secret)}`, expected, ...(fix !== null && { fix }), at: spotOf(said) };
}

const CODES: Readonly<Record<string, string>> = { size: 'invalid-size', duration: 'invalid-duration', quantization: 'unknown-value' };

/** A word that is none of those allowed. */
export function notOneOf(said: Said): Finding | null {
  const { schema, whole, located, name, secret } = said;
  if (isUnset(located)) return null; // said by `type`
  const allowed = (schema['enum'] as readonly unknown[]).filter((value) => value !== null).map(String);
  const value = located.node.kind === 'scalar' ? located.node.value : null;
  const switched = value === true ? 'on' : value === false ? 'off' : null;
  const guess = switched !== null && allowed.includes(switched) ? switched : nearest(String(value), allowed);
  const fix = bareNumber(said) ?? (guess === null ? inDetail(said) : `Did you mean \`${guess}\`?`);
  return {
    code: 'unknown-value',
    summary: `${name} is ${describe(located, secret)}`,
    expected: withArticle(whole),
    ...(fix !== null && { fix }),
    at: spotOf(said),
  };
}

/** A number where only one of the value's own keys takes one: `x-number-key` in the schema names it. */
function bareNumber({ whole, located, path }: Said): string | null {
  const key = whole['x-number-key'];
  const value = located.node.kind === 'scalar' ? String(located.node.value) : '';
  return typeof key === 'string' && /^[0-9]{1,9}$/.test(value) ? `Write \`${path.at(-1)}: { ${key}: ${value} }\`.` : null;
}

/** Where a word is not one of those and not near one, the key that takes a number may be what was meant. */
function inDetail({ whole, path }: Said): string | null {
  const key = whole['x-number-key'];
  return typeof key === 'string' ? `Write one of these words, or a number in detail: \`${path.at(-1)}: { ${key}: 20 }\`.` : null;
}

/** Another version of the format. */
export function notConst(said: Said): Finding {
  const value = String(said.schema['const']);
  return {
    code: 'unsupported-version',
    summary: `${said.name} is ${describe(said.located, said.secret)}`,
    expected: value,
    fix: `Write \`${said.path.at(-1)}: ${value}\`; newer formats need a newer llmops.`,
    at: spotOf(said),
  };
}

/** A text that is not spelled as it must be. */
export function wrongSpelling(said: Said): Finding {
  const { schema, located, name, secret } = said;
  const value = located.node.kind === 'scalar' ? String(located.node.value) : '';
  const kind = kindOf(schema);
  if (secret && kind === 'url')
    return { code: 'invalid-url', summary: `${name} is no whole address`, expected: withArticle(schema), at: spotOf(said) };
  if (secret && kind !== 'path') return { ...literalSecret(said), summary: `${name} is not the name of an environment variable` };
  if (said.path.length === 1 && said.path[0] === 'name')
    return { ...NAME_RULE, summary: `${name} is ${quoted(value)}`, fix: nameLike(value), at: spotOf(said) };
  const fix = mismatch(schema, located, secret);
  return {
    code: kind === undefined ? 'invalid-value' : (CODES[kind] ?? `invalid-${kind}`),
    summary: `${name} is ${describe(located, secret)}`,
    expected: withArticle(kind === 'quantization' ? said.whole : schema),
    ...(fix !== null && { fix }),
    at: spotOf(said),
  };
}

/** A number outside its limits. */
export function outOfRange(said: Said): Finding {
  const { schema, located } = said;
  const value = located.node.kind === 'scalar' ? Number(located.node.value) : 0;
  const isPercent = (schema['maximum'] ?? schema['exclusiveMaximum']) === 1 && value > 1 && value <= 100;
  const fix = isPercent ? { fix: `Write \`${value / 100}\`, if ${value} % is what you mean.` } : {};
  return {
    code: 'out-of-range',
    summary: `${said.name} is ${describe(located, said.secret)}`,
    expected: withArticle(schema),
    ...fix,
    at: spotOf(said),
  };
}
