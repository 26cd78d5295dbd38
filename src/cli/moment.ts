import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A moment that a flag names: `2h` ago, or a date and time. Given the time now (ISO 8601) it is milliseconds since 1970. */
export type Moment = (now: string) => number;

/** Reads `90s`, `30m`, `2h`, `3d` or ISO 8601. Throws commander's InvalidArgumentError. */
export function moment(value: string): Moment {
  const ago = /^(\d+(?:\.\d+)?)([smhd])$/.exec(value);
  if (ago) return (now) => Date.parse(now) - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0);
  const at = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError('An age such as 30m, 2h or 3d, or a time such as 2026-03-02T14:05 is needed.');
  return () => at;
}

/** A time (ISO 8601) as this machine's clock shows it: `2026-03-02 14:05:07`. */
export function localClock(at: string): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return at;
  const two = (part: number): string => String(part).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
