import type { JsonSchema } from '../../src/domain/backend.ts';
import { WELL_KNOWN } from '../../src/domain/quantization.ts';

type Properties = Record<string, JsonSchema>;

/** schemas/llmops.schema.json: what editors read. Standard keywords only, overlays spelled out, empty collections allowed. */
export function publishedSchema(file: JsonSchema, options: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const properties = { ...(file['properties'] as Properties) };
  properties['models'] = withOptions(properties['models']!, options);
  const { version: _version, environments, ...overlaid } = properties;
  properties['environments'] = {
    ...environments!,
    additionalProperties: overlay({ ...file, description: 'What differs in this environment.', properties: overlaid }),
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'llmops.yaml',
    description: 'A stack: the engines on these machines, the models that they run, and what is expected of them.',
    ...(standard({ ...file, properties }) as JsonSchema),
  };
}

/** The keys of `options` depend on the type of a backend that is named elsewhere: editors are offered all of them. */
function withOptions(models: JsonSchema, options: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const model = models['additionalProperties'] as JsonSchema;
  const properties = model['properties'] as Properties;
  const { type: _type, ...rest } = properties['options']!;
  const anyOf = Object.entries(options).map(([type, schema]) => ({ title: type, ...schema }));
  return { ...models, additionalProperties: { ...model, properties: { ...properties, options: { ...rest, anyOf } } } };
}

/** The same schema with nothing required; entries of named collections may be `null`, which takes them away. */
function overlay(schema: JsonSchema): JsonSchema {
  const { required: _required, ...rest } = mapSchemas(schema, overlay);
  const entries = rest['additionalProperties'];
  const isCollection = rest['propertyNames'] !== undefined && typeof entries === 'object';
  return isCollection ? { ...rest, additionalProperties: { anyOf: [entries, { type: 'null' }] } } : rest;
}

/** Without our own keywords, and with `null` for collections that are written without content. */
function standard(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(mapSchemas(schema, standard)).filter(
    ([keyword]) => !keyword.startsWith('x-') && keyword !== 'discriminator',
  );
  const result: JsonSchema = Object.fromEntries(entries);
  if (schema['x-kind'] === 'quantization') return withNames(result, (schema['x-also'] ?? []) as readonly string[]);
  return result['propertyNames'] !== undefined && result['type'] === 'object' ? { ...result, type: ['object', 'null'] } : result;
}

/** Editors complete from a list: the names that are known stand beside the pattern that takes the others. */
function withNames({ type: _type, pattern, ...rest }: JsonSchema, also: readonly string[]): JsonSchema {
  const isOptional = rest['default'] === null;
  const texts = [
    { type: 'string', enum: [...also, ...WELL_KNOWN] },
    { type: 'string', pattern },
  ];
  return { ...rest, anyOf: isOptional ? [...texts, { type: 'null' }] : texts };
}

/** Applies a change to each direct child schema. */
export function mapSchemas(schema: JsonSchema, change: (child: JsonSchema) => JsonSchema): JsonSchema {
  const result: Record<string, unknown> = { ...schema };
  for (const keyword of ['items', 'additionalProperties'])
    if (typeof schema[keyword] === 'object') result[keyword] = change(schema[keyword] as JsonSchema);
  for (const keyword of ['anyOf', 'oneOf'])
    if (Array.isArray(schema[keyword])) result[keyword] = (schema[keyword] as JsonSchema[]).map(change);
  if (typeof schema['properties'] === 'object') {
    result['properties'] = Object.fromEntries(
      Object.entries(schema['properties'] as Properties).map(([key, child]) => [key, change(child)]),
    );
  }
  return result;
}
