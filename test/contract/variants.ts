import type { JsonSchema } from '../../src/domain/backend.ts';
import type { Json, JsonObject } from '../../src/domain/desired.ts';

/** Options with one key of a schema set. */
export interface OptionVariant {
  readonly key: string;
  readonly options: JsonObject;
}

/** For each key of a schema some valid values of it, as normalized, that differ from each other and from its default. */
export function optionVariants(schema: JsonSchema): readonly OptionVariant[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).flatMap(([key, rule]) => samples(rule).map((value) => ({ key, options: { [key]: value } })));
}

const KINDS: Readonly<Record<string, readonly Json[]>> = {
  size: [64 * 2 ** 20, 65 * 2 ** 20],
  duration: [60_000, 61_000],
  secret: [{ env: 'KEY' }, { env: 'OTHER' }, { file: 'KEY' }],
  path: ['/tmp/file', '/tmp/other'],
  address: ['127.0.0.1:1', '127.0.0.1:2'],
};

function samples(rule: JsonSchema): readonly Json[] {
  const kind = KINDS[String(rule['x-kind'])];
  if (kind) return kind;
  const options = (rule['enum'] as readonly Json[] | undefined)?.filter((value) => value !== rule['default'] && value !== null);
  if (options) return options;
  const examples = rule['examples'] as readonly Json[] | undefined;
  if (rule['type'] === 'object' && rule['properties'] !== undefined) return optionVariants(rule).map(({ options: members }) => members);
  if (examples) return examples.flatMap((example) => [example, longer(example)]);
  if (rule['type'] === 'boolean') return [true, false].filter((value) => value !== rule['default']);
  if (rule['type'] === 'integer' || rule['type'] === 'number') return [1, 2].map((more) => Number(rule['minimum'] ?? 0) + more);
  if (rule['type'] === 'array') return samples(rule['items'] as JsonSchema).map((item) => [item]);
  return ['text', 'other-text'];
}

/** Another value of the same form: a list twice, a text with more behind it. */
function longer(value: Json): Json {
  if (Array.isArray(value)) return [...(value as readonly Json[]), ...(value as readonly Json[])];
  return typeof value === 'string' ? `${value}2` : Number(value) + 1;
}
