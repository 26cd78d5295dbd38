import type { JsonSchema } from '../../src/domain/backend.ts';
import type { Json, JsonObject } from '../../src/domain/desired.ts';

/** Options with each key of a schema set to something that is not its default; and none. */
export function optionVariants(schema: JsonSchema): readonly JsonObject[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return [{}, ...Object.entries(properties).map(([key, rule]) => ({ [key]: sample(rule) }))];
}

function sample(rule: JsonSchema): Json {
  const known: Readonly<Record<string, Json>> = {
    size: 64 * 2 ** 20,
    duration: 60_000,
    secret: { env: 'KEY' },
    path: '/tmp/file',
    address: '127.0.0.1:1',
  };
  const kind = known[String(rule['x-kind'])];
  if (kind !== undefined) return kind;
  const options = (rule['enum'] as readonly Json[] | undefined)?.filter((value) => value !== rule['default'] && value !== null);
  if (options?.[0] !== undefined) return options[0];
  if (rule['examples'] && Array.isArray(rule['examples'])) return rule['examples'][0] as Json;
  if (rule['type'] === 'boolean') return rule['default'] !== true;
  if (rule['type'] === 'integer' || rule['type'] === 'number') return Number(rule['minimum'] ?? 0) + 1;
  if (rule['type'] === 'array') return [sample(rule['items'] as JsonSchema)];
  return 'text';
}
