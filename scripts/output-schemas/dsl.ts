/** A JSON Schema (draft 2020-12) under construction. */
export type Schema = { readonly [key: string]: unknown };

/** An object whose members are all required but those named in `optional`. More members may come with a minor version. */
export function object(description: string, properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', description, properties, required };
}

/** Any text. */
export function text(description: string): Schema {
  return { type: 'string', description };
}

/** One of a closed set of words. */
export function oneOfWords(description: string, words: readonly string[]): Schema {
  return { type: 'string', description, enum: words };
}

/** Exactly this value: it tells the members of a union apart. */
export function exactly(description: string, value: string): Schema {
  return { description, const: value };
}

/** A whole number, zero or more. */
export function count(description: string): Schema {
  return { type: 'integer', minimum: 0, description };
}

/** A number, zero or more. */
export function amount(description: string): Schema {
  return { type: 'number', minimum: 0, description };
}

/** True or false. */
export function flag(description: string): Schema {
  return { type: 'boolean', description };
}

/** A list. */
export function list(description: string, items: Schema): Schema {
  return { type: 'array', description, items };
}

/** An object with names chosen by users. */
export function map(description: string, values: Schema): Schema {
  return { type: 'object', description, additionalProperties: values };
}

/** The schema, or null. */
export function nullable(schema: Schema): Schema {
  const { description, ...rest } = schema;
  return { description, anyOf: [rest, { type: 'null' }] };
}

/** A definition of the same document, with a description of its own where it is used. */
export function ref(name: string, description: string): Schema {
  return { description, $ref: `#/$defs/${name}` };
}

/** A text, number, truth value or null. */
export function scalar(description: string): Schema {
  return { description, type: ['string', 'number', 'boolean', 'null'] };
}

/** A choice between objects that a constant member tells apart. */
export function union(description: string, members: readonly Schema[]): Schema {
  return { description, oneOf: members };
}

/** A whole document. */
export function document(name: string, title: string, root: Schema, definitions: Readonly<Record<string, Schema>>): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `llmops/schemas/${name}.schema.json`,
    title,
    ...root,
    $defs: definitions,
  };
}
