const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1.5GiB` to whole bytes. NaN for text that the schema does not let through. */
export function bytes(text: string): number {
  return measure(text, BYTES);
}

/** `1.5s` to whole milliseconds. NaN for text that the schema does not let through. */
export function milliseconds(text: string): number {
  return measure(text, MILLISECONDS);
}

function measure(text: string, units: Readonly<Record<string, number>>): number {
  const match = /^([0-9.]+) ?([A-Za-z]+)$/.exec(text);
  return match ? Math.round(Number(match[1]) * (units[match[2]!] ?? Number.NaN)) : Number.NaN;
}
