import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OUTPUT_SCHEMAS } from '../../scripts/generate-output-schemas.ts';
import { planDocument, statusDocument } from '../../src/render/index.ts';
import { hostilePlans } from './arbitrary.ts';
import { mixedStatus } from './status-story.ts';
import { STORIES } from './stories.ts';
import { EVENTS, FAILED, result } from './worlds.ts';

type Json = { readonly [key: string]: unknown };

/** The schema with every object closed: a member that llmops prints and the schema does not describe is then an error. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, closed(member)]));
  return 'properties' in members && members['type'] === 'object' ? { ...members, additionalProperties: false } : members;
}

function validator(name: keyof typeof OUTPUT_SCHEMAS) {
  const schema = JSON.parse(OUTPUT_SCHEMAS[name]) as Json;
  const check = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(closed(schema) as Json);
  return (document: unknown): readonly string[] =>
    check(JSON.parse(JSON.stringify(document))) ? [] : (check.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

describe.each(Object.entries(OUTPUT_SCHEMAS))('schemas/%s', (name, text) => {
  test('is the file that scripts/generate-output-schemas.ts writes', async () => {
    expect(await readFile(new URL(`../../schemas/${name}`, import.meta.url), 'utf8')).toBe(text);
  });

  test('describes every member', () => {
    expect(undescribed(JSON.parse(text) as Json, name)).toEqual([]);
  });
});

function undescribed(schema: Json, path: string): readonly string[] {
  const below = (['properties', '$defs'] as const).flatMap((key) =>
    Object.entries((schema[key] ?? {}) as Record<string, Json>).map(([name, member]) => [`${path}.${name}`, member] as const),
  );
  const members = (schema['oneOf'] ?? schema['anyOf'] ?? []) as readonly Json[];
  const missing = below
    .filter(([, member]) => typeof member['description'] !== 'string' || member['description'] === '')
    .map(([name]) => name);
  return [
    ...missing,
    ...below.flatMap(([name, member]) => undescribed(member, name)),
    ...members.flatMap((member, index) => undescribed(member, `${path}[${index}]`)),
  ];
}

describe('what llmops prints as JSON is what its schema says', () => {
  const planErrors = validator('plan.schema.json');
  const eventErrors = validator('event.schema.json');
  const statusErrors = validator('status.schema.json');

  test.each(Object.entries(STORIES))('the plan "%s"', (_name, story) => {
    expect(planErrors(planDocument(story))).toEqual([]);
  });

  test('any plan', () => {
    fc.assert(fc.property(hostilePlans, (plan) => planErrors(planDocument(plan)).length === 0));
  });

  test.each(EVENTS.map((event) => [event.type, event] as const))('the event %s', (_type, event) => {
    expect(eventErrors(event)).toEqual([]);
  });

  test('the first and the last record of a stream', () => {
    expect(eventErrors({ type: 'version', format: '1.0' })).toEqual([]);
    expect(eventErrors({ type: 'plan', plan: planDocument(STORIES['first apply'] ?? ({} as never)) })).toEqual([]);
    const last = { type: 'result', outcome: 'partly', generation: 42, ms: 1800, steps: [result('chat.start'), FAILED], problems: [] };
    expect(eventErrors(last)).toEqual([]);
  });

  test('the status', () => {
    expect(statusErrors(statusDocument(mixedStatus()))).toEqual([]);
  });

  test('a document that is not one is refused', () => {
    const { stack: _stack, ...rest } = planDocument(STORIES['first apply'] ?? ({} as never));
    expect(planErrors(rest)).toEqual([" must have required property 'stack'"]);
    expect(planErrors({ ...rest, stack: 'a', surprise: true })).not.toEqual([]);
  });
});
