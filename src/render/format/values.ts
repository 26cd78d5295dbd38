import type { Scalar } from '../../domain/fields.ts';
import type { Place } from '../../domain/problem.ts';
import { clean } from '../text/clean.ts';
import { keepEnd, keepStart } from '../text/width.ts';
import { bytes, grouped } from './units.ts';

const DIGEST = /^(?:sha256:)?([0-9a-f]{64})$/;
const LONGEST = 120;

/** One setting's value for people. `null` reads `auto`: nobody said, the engine decides. */
export function value(field: string, scalar: Scalar): string {
  if (scalar === null) return 'auto';
  if (typeof scalar === 'number') return field.endsWith('Bytes') ? bytes(scalar) : String(scalar);
  if (typeof scalar === 'boolean') return String(scalar);
  return DIGEST.test(scalar) ? shortDigest(scalar) : quoted(scalar);
}

/** Two values of one field, told apart even where their short forms are the same. */
export function valuePair(field: string, from: Scalar, to: Scalar): readonly [string, string] {
  const short = [value(field, from), value(field, to)] as const;
  return short[0] !== short[1] || from === to ? short : [clean(String(from)), clean(String(to))];
}

/** `sha256:8d1f0c2a…`: enough to compare by eye. */
export function shortDigest(digest: string): string {
  const hex = DIGEST.exec(digest)?.[1];
  return hex === undefined ? clean(digest) : `sha256:${hex.slice(0, 8)}…`;
}

/** `llmops.yaml:15`, at most `width` columns; a long path keeps its end. */
export function placeText(place: Place, width = Infinity): string {
  return keepEnd(clean(`${place.file}:${place.line}`), width);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return clean(path).split('/').at(-1) ?? '';
}

function quoted(text: string): string {
  const safe = clean(text);
  const shown = safe.length > LONGEST ? `${keepStart(safe, LONGEST)} (${grouped(text.length)} characters)` : safe;
  return safe !== '' && /^[^\s"']+$/.test(safe) ? shown : JSON.stringify(shown);
}
