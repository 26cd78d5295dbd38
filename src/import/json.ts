/** Answers of servers and files of other tools: anything may be missing or of another type. */
export type Unknowns = Readonly<Record<string, unknown>>;

/** The value as a map; an empty one if it is none. */
export function mapOf(value: unknown): Unknowns {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Unknowns) : {};
}

/** The value as a list; an empty one if it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text that says something; null otherwise. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** A whole number, also one written as text; null otherwise. */
export function integerOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value.trim()) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
}

/** A whole number from 1 on; null otherwise. */
export function countOf(value: unknown): number | null {
  const number = integerOf(value);
  return number !== null && number > 0 ? number : null;
}
