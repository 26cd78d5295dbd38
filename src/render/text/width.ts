/** Columns that cleaned text takes on a terminal: wide characters (CJK, emoji) take two, combining marks none. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The start of the text, at most `width` columns, with `…` where something was cut off. */
export function keepStart(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return `${take([...text], width - 1)}…`;
}

/** The end of the text, at most `width` columns: what tells two long paths apart stands at their end. */
export function keepEnd(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  const reversed = take([...text].toReversed(), width - 1);
  return `…${[...reversed].toReversed().join('')}`;
}

/** The text with spaces after it up to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

const ASCII = /^[\x20-\x7e]*$/;
const COMBINING = /^\p{M}$/u;
// East Asian Wide and Fullwidth blocks and emoji, coarsely. Source: Unicode UAX #11.
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u;

function characterWidth(character: string): number {
  if (character < '\u0300') return 1;
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

function take(characters: readonly string[], width: number): string {
  let taken = '';
  let used = 0;
  for (const character of characters) {
    used += characterWidth(character);
    if (used > width) break;
    taken += character;
  }
  return taken;
}
