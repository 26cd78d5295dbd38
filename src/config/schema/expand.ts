import type { JsonSchema } from '../../domain/backend.ts';
import { SPELLED } from '../../domain/quantization.ts';

/**
 * What a text means, beyond being text. Written as `x-kind` in a schema piece; {@link expand} turns it into standard
 * keywords, and the validator's messages and `normalize` look at it.
 */
export type Kind = 'size' | 'duration' | 'secret' | 'path' | 'program' | 'url' | 'source' | 'address' | 'sha256' | 'quantization';

const PATTERNS: Readonly<Record<Exclude<Kind, 'secret'>, string>> = {
  size: '^[0-9]{1,9}(\\.[0-9]{1,6})? ?([KMGT]i?B|B)$',
  duration: '^[0-9]{1,9}(\\.[0-9]{1,6})? ?(ms|s|m|h|d)$',
  path: '^[^\\s].*$',
  program: '^[^\\s].*$',
  url: '^https?://[^\\s]+$',
  source: '^(file|hf|ollama|https?):[^\\s].*$',
  address: '^([^\\s:]+|\\[[0-9a-fA-F:]+\\]):[0-9]{1,5}$',
  sha256: '^[0-9a-fA-F]{64}$',
  quantization: `^(?:${SPELLED})$`,
};

const SECRET: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: {
    env: {
      type: 'string',
      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
      default: null,
      description: 'Name of an environment variable that holds the secret.',
    },
    file: { type: 'string', 'x-kind': 'path', default: null, description: 'File whose first line is the secret.' },
    command: { type: 'string', pattern: '\\S', default: null, description: 'Command that prints the secret.' },
  },
};

/** A schema with every `x-kind` spelled out in standard keywords, and `null` allowed wherever `null` is the default. */
export function expand(schema: JsonSchema): JsonSchema {
  const kind = schema['x-kind'] as Kind | undefined;
  const base =
    kind === undefined
      ? schema
      : kind === 'secret'
        ? { ...SECRET, ...schema }
        : { type: 'string', pattern: patternOf(kind, schema), ...schema };
  const result: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(base)) result[keyword] = expandKeyword(keyword, value);
  if ('default' in base && base['default'] === null) allowNull(result);
  return result;
}

/** `x-also`: words that are taken beside the kind's own texts. */
function patternOf(kind: Exclude<Kind, 'secret'>, schema: JsonSchema): string {
  const words = (schema['x-also'] ?? []) as readonly string[];
  return words.length === 0 ? PATTERNS[kind] : `^(?:${words.join('|')})$|${PATTERNS[kind]}`;
}

function expandKeyword(keyword: string, value: unknown): unknown {
  if (keyword === 'properties')
    return Object.fromEntries(Object.entries(value as Record<string, JsonSchema>).map(([key, child]) => [key, expand(child)]));
  if (keyword === 'anyOf' || keyword === 'oneOf') return (value as JsonSchema[]).map(expand);
  if ((keyword === 'items' || keyword === 'additionalProperties') && typeof value === 'object') return expand(value as JsonSchema);
  return value;
}

function allowNull(schema: Record<string, unknown>): void {
  if (typeof schema['type'] === 'string') schema['type'] = [schema['type'], 'null'];
  if (Array.isArray(schema['enum'])) schema['enum'] = [...(schema['enum'] as unknown[]), null];
  if (Array.isArray(schema['anyOf'])) schema['anyOf'] = [...(schema['anyOf'] as unknown[]), { type: 'null' }];
}
