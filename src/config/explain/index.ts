import type { JsonSchema } from '../../domain/backend.ts';
import type { Located } from '../located.ts';
import type { Finding } from '../report.ts';
import { isHookPath, isSecretKey } from '../secrets.ts';
import type { Complaint } from '../validate.ts';
import { badName, badTag, missingKey, unknownKey } from './keys.ts';
import { spotOf, type Said } from './said.ts';
import { secretShape } from './secret.ts';
import { notConst, notOneOf, outOfRange, wrongSpelling, wrongType } from './values.ts';

/** What a validator's complaint means to a person; null for a complaint that only repeats another. */
export function explain(
  complaint: Complaint,
  { schema, whole }: { readonly schema: JsonSchema; readonly whole?: JsonSchema | undefined },
  located: Located,
  path: readonly string[],
  parent: Located | null,
): Finding | null {
  const secret = path.some(isSecretKey) || isHookPath(path);
  const name = path.length === 0 ? 'the file' : `\`${path.join('.')}\``;
  const said: Said = { complaint, schema, whole: whole ?? schema, located, parent, path, name, secret };
  if (complaint.propertyName !== undefined && complaint.keyword === 'pattern') return badName(said, complaint.propertyName);
  return (EXPLANATIONS[complaint.keyword] ?? null)?.(said) ?? null;
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
  minItems: (said) => ({
    code: 'empty-list',
    summary: `${said.name} is an empty list`,
    expected: 'at least one item',
    fix: 'Add an item, or remove the key.',
    at: spotOf(said),
  }),
  minProperties: secretShape,
  maxProperties: secretShape,
};
