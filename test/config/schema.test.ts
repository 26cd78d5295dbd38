import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { composedSchemas, outdated } from '../../scripts/generate.ts';
import * as flags from '../../src/backends/llama.cpp/flags.ts';
import { backendSchema, modelSchema } from '../../src/backends/llama.cpp/schema.ts';
import type { JsonSchema } from '../../src/domain/backend.ts';

const root = join(import.meta.dirname, '../..');
const published = JSON.parse(readFileSync(join(root, 'schemas/llmops.schema.json'), 'utf8')) as JsonSchema;
const full = readFileSync(join(import.meta.dirname, 'full.yaml'), 'utf8');

/** Every key that a schema names, with its path. */
function keys(
  schema: JsonSchema,
  path: string,
): readonly { readonly path: string; readonly schema: JsonSchema; readonly required: boolean }[] {
  const required = (schema['required'] ?? []) as readonly string[];
  const own = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).flatMap(([key, child]) => [
    { path: `${path}.${key}`, schema: child, required: required.includes(key) },
    ...keys(child, `${path}.${key}`),
  ]);
  const inner = [
    schema['items'],
    schema['additionalProperties'],
    ...((schema['anyOf'] ?? []) as unknown[]),
    ...((schema['oneOf'] ?? []) as unknown[]),
  ];
  return [...own, ...inner.filter((child): child is JsonSchema => typeof child === 'object').flatMap((child) => keys(child, `${path}.*`))];
}

describe('The schema of llmops.yaml', () => {
  it('is the one source: every generated file says what it says', async () => {
    expect(await outdated()).toEqual([]);
  });

  it('describes every key and gives its default, unless it is required', async () => {
    const { file, options } = await composedSchemas();
    const all = [...keys(file, ''), ...Object.entries(options).flatMap(([type, schema]) => keys(schema, `options(${type})`))];
    expect(all.length).toBeGreaterThan(120);
    expect(
      all.filter(({ schema }) => typeof schema['description'] !== 'string' || !schema['description'].endsWith('.')).map(({ path }) => path),
    ).toEqual([]);
    expect(all.filter(({ schema, required }) => required === 'default' in schema).map(({ path }) => path)).toEqual([]);
  });

  it('in its published form explains every key too, and accepts the full example', () => {
    expect(
      keys(published, '')
        .filter(({ schema }) => typeof schema['description'] !== 'string')
        .map(({ path }) => path),
    ).toEqual([]);
    const ajv = new Ajv2020({ strict: true, strictTypes: false });
    const validate = ajv.compile(published);
    validate(parse(full));
    expect(validate.errors ?? []).toEqual([]);
  });

  it('in its published form refuses what is wrong in a base and in an overlay', () => {
    const validate = new Ajv2020({ strictTypes: false }).compile(published);
    expect(validate({ version: 1, models: { chat: { context: 'many' } } })).toBe(false);
    expect(validate({ version: 1, environments: { prod: { models: { chat: { context: 'many' } } } } })).toBe(false);
    expect(validate({ version: 1, environments: { prod: { models: { chat: { context: 5 }, code: null } } } })).toBe(true);
  });

  it('refuses in `args`, of models and of backends, every flag that a command line of ours is written with', () => {
    const written = Object.values(flags).flatMap((value) => (Array.isArray(value) ? value.flatMap(spellings) : []));
    expect(written.length).toBeGreaterThan(50);
    for (const { properties } of [modelSchema, backendSchema]) {
      const refused = Object.keys((properties as Record<string, JsonSchema>)['args']!['x-owned-flags'] as object);
      expect(written.filter((flag) => !refused.includes(flag))).toEqual([]);
    }
  });
});

/** A list of spellings holds texts, the list of settings holds flags with theirs. */
function spellings(entry: string | flags.Flag): readonly string[] {
  return typeof entry === 'string' ? [entry] : [...entry.names, ...(entry.off ?? [])];
}
