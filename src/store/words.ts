const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes for people: `1.5 GiB`. */
export function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A time for people: `0.5 s`, `45 s`, `10 min`. */
export function timeText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds >= 100) return `${Math.round(seconds / 60)} min`;
  return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
}

/** What a stranger wrote, made harmless for a terminal: one line of at most 300 characters. */
export function strangersText(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, 300);
}
