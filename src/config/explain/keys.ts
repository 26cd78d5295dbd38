import type { JsonSchema } from '../../domain/backend.ts';
import { spot, text, type Located } from '../located.ts';
import type { Finding } from '../report.ts';
import { nearest } from '../suggest.ts';
import { SYNONYMS } from '../synonyms.ts';
import { quoted, withArticle } from '../wording.ts';
import { describe, NAME_RULE, nameLike, type Said } from './said.ts';

/** A key that the schema does not know here. */
export function unknownKey({ complaint, schema, located, path, name }: Said): Finding {
  const key = String(complaint.params['additionalProperty']);
  const allowed = allowedKeys(schema);
  const guess = guessKey(key, allowed);
  const member = located.node.kind === 'map' ? located.node.members.get(key) : undefined;
  const isReferenceKey = allowed.includes('env') && allowed.includes('command');
  return {
    code: 'unknown-key',
    summary: `${isReferenceKey ? 'this key' : quoted(key)} is not a key ${path.length === 0 ? 'of llmops.yaml' : `of ${name}`}`,
    expected: allowed.length > 0 ? `one of ${allowed.join(', ')}` : 'no keys here',
    fix: guess === null ? (outdented(member, path) ?? 'Remove it.') : `Did you mean \`${guess}\`?`,
    at: member?.key ?? spot(located),
  };
}

/** A model or a backend that stands at the left margin: to remove it is not what was meant. */
function outdented(member: Located | undefined, path: readonly unknown[]): string | null {
  if (path.length > 0 || member?.node.kind !== 'map') return null;
  const keys = [...member.node.members.keys()];
  if (keys.includes('source') || keys.includes('backend')) return 'Indent it under `models:`.';
  return keys.includes('type') ? 'Indent it under `backends:`.' : null;
}

function allowedKeys(schema: JsonSchema): readonly string[] {
  return Object.keys((schema['properties'] as object | undefined) ?? {});
}

/** The keys of a map that its schema does not know. */
export function unknownMembers(schema: JsonSchema, { node }: Located): readonly string[] {
  const allowed = allowedKeys(schema);
  return node.kind === 'map' ? [...node.members.keys()].filter((key) => !allowed.includes(key)) : [];
}

function guessKey(key: string, allowed: readonly string[]): string | null {
  const synonym = SYNONYMS.get(key.toLowerCase().replace(/[-_]/g, ''));
  return nearest(key, allowed) ?? (synonym !== undefined && allowed.includes(synonym) ? synonym : null);
}

/** A key that must be there, and is not there under a wrong name either. */
export function missingKey({ complaint, schema, located, path, name }: Said): Finding | null {
  const key = String(complaint.params['missingProperty']);
  if (unknownMembers(schema, located).some((member) => guessKey(member, allowedKeys(schema)) === key)) return null; // misspelled, not missing
  const property = (schema['properties'] as Record<string, JsonSchema> | undefined)?.[key];
  const expected =
    property?.['const'] === undefined ? `\`${key}\`: ${withArticle(property ?? {})}` : `\`${key}: ${String(property['const'])}\``;
  const where = path.length === 0 ? 'the file' : name;
  const place = path.length === 0 ? ([located.at[0], located.at[0] + 1] as const) : (located.key ?? located.at);
  return {
    code: 'missing-key',
    summary: `${where} has no \`${key}\``,
    expected,
    fix: `Add \`${key}: ${property?.['const'] === undefined ? '...' : String(property['const'])}\`.`,
    at: place,
  };
}

/** A backend's `type` is missing or unknown; the rest of the backend cannot be checked then. */
export function badTag({ schema, located, name }: Said): Finding {
  const types = (schema['oneOf'] as JsonSchema[]).map((branch) =>
    String(((branch['properties'] as Record<string, JsonSchema>)['type'] ?? {})['const']),
  );
  const tag = located.node.kind === 'map' ? located.node.members.get('type') : undefined;
  const expected = `one of ${types.join(', ')}`;
  if (tag === undefined)
    return {
      code: 'missing-key',
      summary: `${name} has no \`type\``,
      expected: `\`type\`: ${expected}`,
      fix: 'Add `type: llama.cpp`, say.',
      at: located.key ?? located.at,
    };
  const guess = nearest(text(tag) ?? '', types);
  return {
    code: 'unknown-value',
    summary: `\`${name.slice(1, -1)}.type\` is ${describe(tag, false)}`,
    expected,
    ...(guess !== null && { fix: `Did you mean \`${guess}\`?` }),
    at: spot(tag),
  };
}

/** A key that should be a name and cannot be one. */
export function badName({ located }: Said, key: string): Finding {
  const member = located.node.kind === 'map' ? located.node.members.get(key) : undefined;
  return { ...NAME_RULE, summary: `${quoted(key)} cannot be a name`, fix: nameLike(key), at: member?.key ?? spot(located) };
}
