import { InvalidArgumentError } from 'commander';
import { milliseconds } from '../config/units.ts';

/** All values of a flag that may stand several times. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** A whole number from 1 on. */
export function positive(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('A whole number from 1 on is needed.');
  return number;
}

/** The longest that a timer can wait, in milliseconds; a longer one would end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** A time as in llmops.yaml (`500ms`, `30s`, `5m`, `1h`, `1d`) to milliseconds; a bare number is seconds. */
export function duration(value: string): number {
  const ms = milliseconds(/[a-z]$/.test(value) ? value : `${value}s`);
  if (!Number.isFinite(ms)) throw new InvalidArgumentError('A duration such as 500ms, 30s, 5m, 1h or 1d is needed.');
  if (ms > LONGEST_MS) throw new InvalidArgumentError('At most 24d can be waited for.');
  return ms;
}
