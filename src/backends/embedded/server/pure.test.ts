import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSettings } from './args.ts';
import { createDecoder } from './decode.ts';
import { defaultThreads } from './engine.ts';
import { HttpError } from './errors.ts';
import { readMessages, readOptions, readPrompt } from './request.ts';
import { createSlots } from './slots.ts';
import { createStopFilter } from './stops.ts';
import { loadTemplate } from './template.ts';

const run = (stops: readonly string[], pieces: readonly string[]): { text: string; stop: string | null } => {
  const filter = createStopFilter(stops);
  let text = '';
  for (const piece of pieces) {
    const out = filter.push(piece);
    text += out.text;
    if (out.stop !== null) return { text, stop: out.stop };
  }
  return { text: text + filter.flush(), stop: null };
};

describe('stop texts', () => {
  test('a stop text that is spread over pieces ends the text and is not shown', () => {
    expect(run(['END'], ['one E', 'N', 'D two'])).toEqual({ text: 'one ', stop: 'END' });
  });

  test('what only looked like a stop text is shown after all', () => {
    expect(run(['END'], ['one E', 'N', 'O'])).toEqual({ text: 'one ENO', stop: null });
    expect(run(['END'], ['one EN'])).toEqual({ text: 'one EN', stop: null });
  });

  test('however a text is cut into pieces, the same comes out: all before the first stop text', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(word),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 }), { maxLength: 3 }),
        (pieces, stops) => {
          const text = pieces.join('');
          const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
          const found = run(stops, pieces);
          // A longer stop text may begin earlier and end later than a shorter one: then either is a right answer.
          if (ends.length === 0) expect(found).toEqual({ text, stop: null });
          else expect(stops.filter((stop) => text.startsWith(found.text + stop))).toContain(found.stop);
        },
      ),
    );
  });
});

test('a character that is spread over tokens is shown when it is whole', () => {
  const bytes = [...Buffer.from('zä€😀!')];
  const decoder = createDecoder((tokens) => Buffer.from(tokens).toString('utf8'));
  expect(bytes.map((byte) => decoder.push(byte)).filter((text) => text !== '')).toEqual(['z', 'ä', '€', '😀', '!']);
  expect(decoder.flush()).toBe('');
});

const any = (): number => 0;

describe('slots', () => {
  const none = new AbortController().signal;

  test('requests that find no free slot are served in the order in which they came', async () => {
    const slots = createSlots(['a']);
    const first = await slots.acquire(any, none);
    const order: number[] = [];
    const later = [1, 2, 3].map(async (name) => {
      const slot = await slots.acquire(any, none);
      order.push(name);
      slots.release(slot);
    });
    expect(slots.waiting()).toBe(3);
    slots.release(first);
    await Promise.all(later);
    expect(order).toEqual([1, 2, 3]);
  });

  test('a request gets the free slot that remembers most of it', async () => {
    const slots = createSlots(['hello', 'goodbye']);
    const slot = await slots.acquire((remembered) => (remembered === 'goodbye' ? 7 : 0), none);
    expect(slot.sequence).toBe('goodbye');
    expect(slots.state()).toEqual([
      { id: 0, processing: false, task: -1 },
      { id: 1, processing: true, task: 0 },
    ]);
  });

  test('a client that leaves while it waits takes no slot', async () => {
    const slots = createSlots(['a']);
    const slot = await slots.acquire(any, none);
    const left = new AbortController();
    const waiting = slots.acquire(any, left.signal);
    left.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    slots.release(slot);
    expect(slots.state()).toEqual([{ id: 0, processing: false, task: 0 }]);
    expect(slots.waiting()).toBe(0);
  });
});

describe('requests', () => {
  test('what is not said is as in llama-server', () => {
    expect(readOptions({})).toEqual({
      maxTokens: null,
      sampling: { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, seed: null },
      stop: [],
      ignoreEos: false,
      stream: false,
      usageInStream: false,
    });
  });

  test.each([
    [{ temperature: 'hot' }, 'temperature'],
    [{ temperature: -1 }, 'temperature'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ seed: 2 ** 33 }, 'seed'],
    [{ stop: [1] }, 'stop'],
    [{ stream: 'yes' }, 'stream'],
    [{ n: 2 }, 'n'],
    [{ tools: [{}] }, 'tools'],
    [{ logprobs: true }, 'logprobs'],
    [{ response_format: { type: 'json_object' } }, 'response_format'],
  ])('%j is refused and names the member', (body, param) => {
    expect(() => readOptions(body)).toThrow(expect.objectContaining({ status: 400, type: 'invalid_request_error', param }));
  });

  test('parts of text are joined, and pictures are refused', () => {
    const text = { type: 'text', text: 'b' };
    expect(readMessages({ messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, text] }] })).toEqual([
      { role: 'user', content: 'a\nb' },
    ]);
    expect(() => readMessages({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] })).toThrow(/'text' only/);
  });

  test('tokens outside the vocabulary never reach the engine', () => {
    expect(readPrompt({ prompt: [0, 9] }, 10)).toEqual([0, 9]);
    for (const token of [10, -1, 0.5]) expect(() => readPrompt({ prompt: [token] }, 10)).toThrow(/0 to 9/);
  });

  test('any JSON is read or refused with a reason, never anything else', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('messages', 'prompt', 'stop', 'n', 'seed', 'stream', 'stream_options', 'tools', 'max_tokens'),
          fc.jsonValue(),
        ),
        (body) => {
          for (const read of [readOptions, readMessages, (b: typeof body) => readPrompt(b, 1000)]) {
            try {
              read(body);
            } catch (error) {
              expect(error).toBeInstanceOf(HttpError);
            }
          }
        },
      ),
    );
  });
});

describe('chat templates', () => {
  const messages = [{ role: 'user', content: 'hello' }];

  test('a model without one gets ChatML, as in llama-server', () => {
    expect(loadTemplate('')({ messages, add_generation_prompt: true })).toBe('<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n');
  });

  test("one that refuses a conversation is the client's mistake, one that is no Jinja is not", () => {
    const refusing = loadTemplate("{{ raise_exception('roles must alternate') }}");
    expect(() => refusing({ messages })).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining('roles must alternate') }),
    );
    expect(() => loadTemplate('{% for %}')({ messages })).toThrow(expect.objectContaining({ status: 501 }));
  });
});

describe('chat templates that go through all messages for each message', () => {
  test('are ended, and the conversation is refused', () => {
    const loops = ['a', 'b', 'c', 'd'].map((name) => `{% for ${name} in messages %}`).join('');
    const endless = loadTemplate(`${loops}x${'{% endfor %}'.repeat(4)}`, 50);
    const messages = Array.from({ length: 1000 }, () => ({ role: 'user', content: 'a' }));
    expect(() => endless({ messages })).toThrow(expect.objectContaining({ status: 400, message: expect.stringContaining('takes longer') }));
    expect(endless({ messages: messages.slice(0, 2) })).toBe('x'.repeat(16));
  });
});

describe('command line', () => {
  test('what is not said is null: decided when the model is there', () => {
    expect(readSettings(['--model', 'a.gguf', '--port', '0'])).toMatchObject({
      contextTokens: null,
      threads: null,
      batch: null,
      parallel: 1,
      flashAttention: 'auto',
      tags: [],
    });
  });

  test.each([
    [[], '--model is required'],
    [['--model', 'a'], '--port must be'],
    [['--model', 'a', '--port', '99999'], '--port must be'],
    [['--model', 'a', '--port', '1', '--parallel', '0'], '--parallel must be a whole number from 1'],
    [['--model', 'a', '--port', '1', '--no-mmap'], "Unknown option '--no-mmap'"],
  ])('%j is refused: %s', (args, reason) => {
    expect(() => readSettings(args)).toThrow(reason);
  });

  test('threads that nobody asked for leave cores to others', () => {
    expect([1, 2, 4, 8, 64].map(defaultThreads)).toEqual([1, 1, 2, 4, 4]);
  });
});
