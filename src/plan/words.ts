import type { Scalar } from '../domain/fields.ts';
import type { Place } from '../domain/problem.ts';

/** `llmops.yaml:18`, or the given words where nothing was written. */
export function at(place: Place | null, otherwise = 'llmops.yaml'): string {
  return place === null ? otherwise : `${place.file}:${place.line}`;
}

/** Bytes for a sentence: `2.1 GiB`, `340 MiB`. */
export function size(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${Math.ceil(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

/** `1 model`, `3 models`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** A value as people write it; `null` means that nobody said. */
export function value(scalar: Scalar): string {
  return scalar === null ? 'not set' : String(scalar);
}

const UNITS = [
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
] as const;

/** Milliseconds as they stand in llmops.yaml: `10m`, `90s`, `1500ms`. */
export function duration(ms: number): string {
  const [length, unit] = UNITS.find(([each]) => ms > 0 && ms % each === 0) ?? [1, 'ms'];
  return `${ms / length}${unit}`;
}
