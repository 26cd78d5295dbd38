import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTokenizer, refuseConversation, type Special, type Vocabulary } from './tokenizer.ts';

const special = (text: string, more: Partial<Special> = {}): Special => ({
  text,
  always: false,
  takesBefore: false,
  takesBehind: false,
  ...more,
});

/** A piece of text that was not taken apart yet, or a token. */
type Fragment = { readonly raw: string } | { readonly id: number };

/**
 * What llama.cpp does with special tokens (`tokenizer_st_partition`): the longest are looked for first, everywhere. Plain text
 * becomes a token for each run of letters, and one for each other character.
 */
function reference(specials: readonly Special[], asked: string, parse: boolean): readonly number[] {
  let fragments: Fragment[] = [{ raw: asked }];
  for (const word of specials.filter(({ always }) => always || parse).toSorted((a, b) => b.text.length - a.text.length))
    fragments = fragments.flatMap((fragment) => ('raw' in fragment ? partition(fragment.raw, word, specials.indexOf(word)) : [fragment]));
  return fragments.flatMap((fragment) =>
    'id' in fragment
      ? [fragment.id]
      : (fragment.raw.match(/[a-z]+|[^a-z]/g) ?? []).map((run) => 1000 + run.length * 128 + run.charCodeAt(0)),
  );
}

function partition(raw: string, { text, takesBefore, takesBehind }: Special, id: number): Fragment[] {
  const at = raw.indexOf(text);
  if (at < 0) return raw === '' ? [] : [{ raw }];
  const before = takesBefore ? raw.slice(0, at).trimEnd() : raw.slice(0, at);
  const behind = takesBehind ? raw.slice(at + text.length).trimStart() : raw.slice(at + text.length);
  return [...(before === '' ? [] : [{ raw: before }]), { id }, ...partition(behind, special(text, { takesBefore, takesBehind }), id)];
}

/** A vocabulary that notes how long each text was that it had to take apart. */
function vocabularyOf(specials: readonly Special[]): Vocabulary & { readonly calls: number[] } {
  const calls: number[] = [];
  const tokenize = (text: string, parse: boolean) => (calls.push(text.length), reference(specials, text, parse));
  return { specials, longest: 12, tokenize, calls };
}

const CHAT = [special('<|im_start|>'), special('<|im_end|>')];
const TURN = '<|im_start|>user\na<|im_end|>\n';

describe('tokens', () => {
  test('of a text that is taken apart are those of the whole, whatever its special tokens are', async () => {
    const word = fc.constantFrom('<a>', '<b>', '<a><b>', '<<a>', 'a>', '\n', '\n\n', '\n\n\n', '<');
    const one = fc.record({ text: word, always: fc.boolean(), takesBefore: fc.boolean(), takesBehind: fc.boolean() });
    const specials = fc.uniqueArray(one, { maxLength: 6, selector: ({ text }) => text });
    const text = fc.array(fc.constantFrom('<a>', '<b>', '<<a>', '<', 'a', 'b', ' ', '\n', '\n\n'), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(specials, text, fc.integer({ min: 1, max: 12 }), fc.boolean(), async (list, pieces, part, parse) => {
        const vocabulary = vocabularyOf(list);
        const whole = reference(list, pieces.join(''), parse);
        expect(await createTokenizer(vocabulary, part).tokenize(pieces.join(''), parse, Infinity)).toEqual(whole);
      }),
      { numRuns: 2000 },
    );
  });

  test('of blanks before a token that takes them along are none, also where blanks are special tokens', async () => {
    const vocabulary = vocabularyOf([special('<b>', { takesBefore: true }), special('\n')]);
    expect(await createTokenizer(vocabulary, 1).tokenize('\n\n<b>', true, Infinity)).toEqual([0]);
  });

  test('cost work that grows with the text, and not with its square', async () => {
    const work = async (turns: number) => {
      const vocabulary = vocabularyOf(CHAT);
      await createTokenizer(vocabulary).tokenize(TURN.repeat(turns), true, Infinity);
      return vocabulary.calls.reduce((sum, length) => sum + length ** 2, 0);
    };
    expect((await work(4000)) / (await work(2000))).toBeLessThan(2.1);
  });

  test('are counted while others have their turn', async () => {
    let pauses = 0;
    const slow = { ...vocabularyOf(CHAT), tokenize: (text: string) => (spin(3), [text.length]) };
    await createTokenizer(slow, 64, async () => void (pauses += 1)).tokenize(TURN.repeat(100), true, Infinity);
    expect(pauses).toBeGreaterThan(3);
  });

  test('that are too many by far are not all counted, in one piece or in many', async () => {
    for (const text of [TURN.repeat(10_000), 'a '.repeat(140_000)]) {
      const vocabulary = vocabularyOf(CHAT);
      const refusal = createTokenizer(vocabulary).tokenize(text, true, 25_000);
      await expect(refusal).rejects.toMatchObject({ type: 'exceed_context_size_error', extra: { n_ctx: 25_000 } });
      expect(vocabulary.calls.reduce((sum, length) => sum + length, 0)).toBeLessThan(text.length * 0.9);
    }
  });

  test('are not counted at all where not even the longest would do', async () => {
    const vocabulary = vocabularyOf(CHAT);
    await expect(createTokenizer(vocabulary).tokenize('x'.repeat(1201), true, 100)).rejects.toThrow('at least 101 tokens');
    expect(vocabulary.calls).toEqual([]);
  });
});

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('a conversation', () => {
  const messages = (count: number, content = 'a') => Array.from({ length: count }, () => ({ role: 'user', content }));

  test('that cannot fit is refused before it is rendered: a message is a token or more, a token a character or more', () => {
    const refuse = (count: number, content?: string) => () => refuseConversation(messages(count, content), 300, { longest: 10 });
    expect(refuse(300)).not.toThrow();
    expect(refuse(1, 'a'.repeat(2990))).not.toThrow();
    const told = { type: 'exceed_context_size_error', message: expect.stringContaining('at least 301 tokens') };
    expect(refuse(301)).toThrow(expect.objectContaining(told));
    expect(refuse(1, 'a'.repeat(3000))).toThrow('at least 301 tokens');
  });
});
