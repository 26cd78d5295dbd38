import type { JsonSchema } from '../domain/backend.ts';
import { child, entries, items, text, type Located } from './located.ts';
import { fileSchema, optionSchemas } from './schema.gen.js';

/** A value of the file together with the schema that speaks of it. */
export interface Visit {
  readonly path: readonly string[];
  readonly located: Located;
  readonly schema: JsonSchema;
}

/** Every value that the schema knows, in the order of the file. Values of a wrong shape are passed over. */
export function visitAll(root: Located, typeOf: (backend: string) => string | undefined, visit: (visit: Visit) => void): void {
  walk({ path: [], located: root, schema: fileSchema }, visit);
  for (const [name, model] of entries(child(root, 'models'))) {
    const schema = optionSchema(typeOf(text(child(model, 'backend')) ?? ''));
    const options = child(model, 'options');
    if (schema && options) walk({ path: ['models', name, 'options'], located: options, schema }, visit);
  }
}

/** The schema of a model's `options` on a type of backend; undefined for no such type. */
export function optionSchema(type: string | undefined): JsonSchema | undefined {
  return type !== undefined && Object.hasOwn(optionSchemas, type) ? optionSchemas[type] : undefined;
}

/** The schema of a declared backend, by its `type`. */
export function backendSchema(backend: Located): JsonSchema {
  const backends = (fileSchema['properties'] as Record<string, JsonSchema>)['backends']!;
  return schemaFor(backends['additionalProperties'] as JsonSchema, backend);
}

/** The schema that speaks of a value where several could: a backend's by `type`, a union's by the kind of value. */
export function schemaFor(schema: JsonSchema, located: Located): JsonSchema {
  const union = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined;
  if (!union) return schema;
  const type = text(child(located, 'type'));
  const branch = schema['oneOf']
    ? union.find((one) => (one['properties'] as Record<string, JsonSchema>)['type']?.['const'] === type)
    : union.find((one) => fits(one, located));
  return { ...branch, ...only(schema) };
}

/** Our own keywords of the union itself hold for every branch. */
function only(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => keyword.startsWith('x-')));
}

function fits(schema: JsonSchema, { node }: Located): boolean {
  const kind = node.kind === 'map' ? 'object' : node.kind === 'list' ? 'array' : typeof node.value;
  return [schema['type']].flat().some((type) => type === kind || (type === 'integer' && kind === 'number'));
}

function walk({ path, located, schema: outer }: Visit, visit: (visit: Visit) => void): void {
  const schema = schemaFor(outer, located);
  visit({ path, located, schema });
  const properties = schema['properties'] as Record<string, JsonSchema> | undefined;
  const rest = typeof schema['additionalProperties'] === 'object' ? (schema['additionalProperties'] as JsonSchema) : undefined;
  for (const [key, member] of entries(located)) {
    const inner = properties && Object.hasOwn(properties, key) ? properties[key] : rest;
    if (inner && Object.keys(inner).length > 0) walk({ path: [...path, key], located: member, schema: inner }, visit);
  }
  const item = schema['items'] as JsonSchema | undefined;
  if (item)
    for (const [index, member] of items(located).entries()) walk({ path: [...path, String(index)], located: member, schema: item }, visit);
}
