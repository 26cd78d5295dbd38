import { setImmediate as nextTurn } from 'node:timers/promises';
import { tooLong } from './errors.ts';
import type { Message } from './request.ts';

/** Turns text into tokens without keeping other requests waiting. */
export interface Tokenizer {
  /**
   * The very tokens that the engine makes of the whole text. `special`: text such as <|im_end|> becomes the token of that name.
   * Rejects with `tooLong` as soon as it is certain that there are more than `most`.
   */
  tokenize(text: string, special: boolean, most: number): Promise<readonly number[]>;
}

/** What the engine offers for it. */
export interface Vocabulary {
  tokenize(text: string, special: boolean): readonly number[];
  /** Tokens that are looked for in a text before anything else. */
  readonly specials: readonly Special[];
  /** Length of the longest token, in UTF-16 units. */
  readonly longest: number;
}

export interface Special {
  readonly text: string;
  /** Also where special tokens are not asked for. */
  readonly always: boolean;
  /** It takes the blanks before or behind it along. */
  readonly takesBefore: boolean;
  readonly takesBehind: boolean;
}

/**
 * The engine looks for each special token from every place between two special tokens to the end of what it was given
 * (`tokenizer_st_partition` in llama-vocab.cpp of llama.cpp), so its work grows with the square of the text. In parts of this
 * many characters it does not.
 */
const PART = 2048;
/** Text without a special token cannot be parted, and is counted roughly in pieces of this many characters before it is taken whole. */
const PIECE = 16_384;
/** How long other requests wait for one, in milliseconds. */
const TURN_MS = 10;

/** A tokenizer over the engine's own. `partLength`: characters, at the least, that are handed over at a time; `pause` lets others have their turn. */
export function createTokenizer(vocabulary: Vocabulary, partLength = PART, pause: () => Promise<unknown> = () => nextTurn()): Tokenizer {
  const asked = createBoundaries(vocabulary.specials);
  const unasked = createBoundaries(vocabulary.specials.filter(({ always }) => always));
  return {
    async tokenize(text, special, most) {
      refuseSize(text.length, most, vocabulary);
      const turn = createTurn(pause);
      const parts: (readonly number[])[] = [];
      let count = 0;
      for (let from = 0; from < text.length;) {
        const to = (special ? asked : unasked)(text, from + partLength);
        await refuseRoughly(vocabulary, text, { from, to, special, count, most, turn });
        const tokens = vocabulary.tokenize(text.slice(from, to), special);
        parts.push(tokens);
        count += tokens.length;
        // A little more than fits is counted to the end, so that the answer can say how much it is.
        if (count > 2 * most) throw tooLong(count, most, true);
        from = to;
        await turn();
      }
      return parts.flat();
    },
  };
}

/** Refuses a conversation that cannot fit before any work is done for it: a message is a token or more. */
export function refuseConversation(messages: readonly Message[], most: number, vocabulary: Pick<Vocabulary, 'longest'>): void {
  if (messages.length > most) throw tooLong(messages.length, most, true);
  refuseSize(
    messages.reduce((sum, { role, content }) => sum + role.length + content.length, 0),
    most,
    vocabulary,
  );
}

/** Refuses what cannot fit, whatever is in it: a token is never longer than the longest. */
function refuseSize(characters: number, most: number, { longest }: Pick<Vocabulary, 'longest'>): void {
  if (characters > most * longest) throw tooLong(Math.ceil(characters / longest), most, true);
}

interface Run {
  readonly from: number;
  readonly to: number;
  readonly special: boolean;
  /** Tokens before it. */
  readonly count: number;
  readonly most: number;
  readonly turn: () => Promise<void>;
}

/** Of a long text that must be taken whole, tokens of its pieces: at the cuts they differ a little, so only twice too many are too many. */
async function refuseRoughly(vocabulary: Vocabulary, text: string, { from, to, special, count, most, turn }: Run): Promise<void> {
  if (to - from <= PIECE) return;
  let rough = count;
  for (let at = from; at < to; at += PIECE) {
    rough += vocabulary.tokenize(text.slice(at, Math.min(at + PIECE, to)), special).length;
    if (rough > 2 * most) throw tooLong(Math.floor(rough / 2), most, true);
    await turn();
  }
}

function createTurn(pause: () => Promise<unknown>): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < TURN_MS) return;
    await pause();
    began = performance.now();
  };
}

/**
 * Finds the first place from `from` on where a text can be parted so that the tokens of the parts are those of the whole: before
 * a special token that no other one overlaps. The end of the text if there is none.
 */
function createBoundaries(specials: readonly Special[]): (text: string, from: number) => number {
  const words = wordsOf(specials.map(({ text }) => text));
  const takers = new Set(specials.filter(({ takesBefore }) => takesBefore).map(({ text }) => text));
  // One that takes blanks along takes those that are special tokens themselves, on both sides of a place to part at.
  const blanksAreTaken = specials.some(({ takesBefore, takesBehind }) => takesBefore || takesBehind);
  return (text, from) => {
    for (let index = from; index < text.length; index += 1) {
      const beginning = words.at(text, index);
      const isFree = beginning.every((word) => !takers.has(word) && !(blanksAreTaken && /^\s/.test(word)));
      if (beginning.length > 0 && isFree && !words.isInside(text, index)) return index;
    }
    return text.length;
  };
}

interface Words {
  /** Those that begin at this place. */
  at(text: string, index: number): readonly string[];
  /** Whether one begins before this place and ends behind it. */
  isInside(text: string, index: number): boolean;
}

function wordsOf(texts: readonly string[]): Words {
  const known = new Set(texts.filter((text) => text !== ''));
  const longest = Math.max(0, ...[...known].map((text) => text.length));
  const lengths = new Map<string, Set<number>>();
  for (const text of known) lengths.set(text[0] as string, (lengths.get(text[0] as string) ?? new Set()).add(text.length));
  const at = (text: string, index: number): readonly string[] => {
    const possible = lengths.get(text[index] as string);
    return possible === undefined ? [] : [...possible].map((length) => text.slice(index, index + length)).filter((word) => known.has(word));
  };
  return {
    at,
    isInside(text, index) {
      // In a run of one character the nearest tells at once.
      for (let before = index - 1; before >= 0 && before > index - longest; before -= 1)
        if (at(text, before).some((word) => before + word.length > index)) return true;
      return false;
    },
  };
}
