/**
 * Makes text from the outside world safe to show on a terminal: white space becomes one space, and every character
 * that could move the cursor, change colours or reverse the reading direction is written out as `\x1b`.
 * Names of foreign processes and messages of engines are chosen by others; a plan must not execute them.
 */
export function clean(text: string): string {
  if (PRINTABLE.test(text)) return text;
  return text.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ').replace(UNSAFE, (character) => escaped(character.codePointAt(0) ?? 0));
}

const PRINTABLE = /^[\x20-\x7e]*$/;
// C0, DEL, C1, soft hyphen, zero-width and bidirectional controls, lone surrogates, byte order mark, tags.
const UNSAFE =
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

function escaped(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
