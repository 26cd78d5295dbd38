/** Words, single blanks and colons between them: plain in YAML 1.2, inside brackets too. */
const PLAIN = /^[A-Za-z0-9][\w./@+-]*(?:[ :][\w./@+-]+)*$/;
/** What some YAML reader (1.1 among them) takes for a number, a date, a switch or nothing. A digest can look like that: `12e34`. */
const MEANS_ELSE = /^(?:\d[\d_.:eExXoOT+ -]*|0x[0-9a-f]+|true|false|null|yes|no|on|off|y|n)$/i;
/** JSON writes these as they are, and YAML files may not hold them, or readers lose them. */
const UNPRINTABLE = /[\u007F-\u00A0\u2028\u2029\uFEFF\uFFFE\uFFFF]/g;

/** A text or number as one YAML scalar on one line, for the block and the flow style: plain where nobody could mistake it. */
export function scalarText(value: string | number): string {
  if (typeof value === 'number') return String(value);
  if (PLAIN.test(value) && !MEANS_ELSE.test(value)) return value;
  if (/^[\x20-\x7e]*$/.test(value) && !value.includes("'")) return `'${value}'`;
  return JSON.stringify(value).replace(UNPRINTABLE, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
