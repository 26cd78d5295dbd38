const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes in the unit people would use: `1.1 GiB`, `640 MiB`, `512 B`. */
export function bytes(count: number): string {
  const unit = unitOf(count);
  return `${inUnit(count, unit)} ${BYTE_UNITS[unit]}`;
}

/** Several sizes in the unit of the largest, so that they can be compared at a glance: `2.1 of 18.0 GiB`. */
export function sameUnit(counts: readonly number[]): { readonly texts: readonly string[]; readonly unit: string } {
  const unit = unitOf(Math.max(0, ...counts));
  return { texts: counts.map((count) => inUnit(count, unit)), unit: BYTE_UNITS[unit] ?? 'B' };
}

function unitOf(count: number): number {
  let unit = 0;
  for (let rest = Math.abs(count); rest >= 1024 && unit < BYTE_UNITS.length - 1; rest /= 1024) unit += 1;
  return unit;
}

function inUnit(count: number, unit: number): string {
  const value = count / 1024 ** unit;
  return unit <= 1 || value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

/** Milliseconds in words: `350 ms`, `1.8 s`, `60 s`, `4 m 30 s`, `2 h 5 m`, `6 d`. */
export function duration(ms: number): string {
  if (ms <= 0) return '0 s';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${trimmed(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's');
  const minutes = Math.floor(seconds / 60);
  return minutes < 2880 ? pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm') : `${Math.floor(minutes / 1440)} d`;
}

/** How long ago, coarsely: `12 s`, `5 m`, `3 h`, `6 d`; null if a time is missing or not readable. ISO 8601 in. */
export function age(at: string | null, now: string | null): string | null {
  if (at === null || now === null) return null;
  const ms = Date.parse(now) - Date.parse(at);
  if (Number.isNaN(ms)) return null;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** `1 model`, `2 models`, `1,000 models`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** A whole number with commas: 1,000. The same on every machine, whatever its locale. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
