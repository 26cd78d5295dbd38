import type { Json, JsonObject } from '../domain/desired.ts';

/** Where a secret comes from: exactly one of `env`, `file` and `command` is a text. */
export type Reference = JsonObject;

/** A reference as text, `env:CHAT_KEY`: names the place and never the secret. null: there is none. */
export function referenceText(reference: Json | undefined): string | null {
  if (!isReference(reference)) return null;
  const entry = Object.entries(reference).find(([, where]) => where !== null);
  return entry ? `${entry[0]}:${String(entry[1])}` : null;
}

/** True if an option names a secret. */
export function isReference(option: Json | undefined): option is Reference {
  return option !== null && typeof option === 'object' && !Array.isArray(option) && Object.values(option).some((where) => where !== null);
}
