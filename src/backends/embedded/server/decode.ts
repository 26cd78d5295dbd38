/** Turns tokens into text as they come. */
export interface Decoder {
  /** The text that this token completes: empty while a character is spread over tokens that have not all come. */
  push(token: number): string;
  /** What is left when no more tokens come. */
  flush(): string;
}

/** A character of UTF-8 has at most 4 bytes, so at most that many byte tokens; after that the bytes are simply not text. */
const LONGEST_CHARACTER = 4;

/**
 * One character can be several tokens (byte-level vocabularies), and half a character would be shown as U+FFFD: tokens
 * wait until they make whole characters. `detokenize` gets the tokens and some that came before them.
 */
export function createDecoder(detokenize: (tokens: readonly number[], before: readonly number[]) => string): Decoder {
  let waiting: number[] = [];
  let before: number[] = [];
  const take = (): string => {
    const text = detokenize(waiting, before);
    before = [...before, ...waiting].slice(-LONGEST_CHARACTER * 2);
    waiting = [];
    return text;
  };
  return {
    push(token) {
      waiting.push(token);
      if (waiting.length < LONGEST_CHARACTER && detokenize(waiting, before).endsWith('\uFFFD')) return '';
      return take();
    },
    flush: () => (waiting.length === 0 ? '' : take()),
  };
}
