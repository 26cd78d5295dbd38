import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Lock } from '../../src/domain/weights.ts';
import { diffLock } from '../../src/lock/index.ts';
import { lockDiffWords, renderLockDiff } from '../../src/render/index.ts';
import { lock } from './arbitrary.ts';
import { FACTS, hash, locked, SAMPLE } from './sample.ts';

const NONE: Lock = { models: {}, engines: {} };
const one = (over: Parameters<typeof locked>[0] = {}): Lock => ({ models: { chat: locked(over) }, engines: {} });
const file = (path: string, gib: number, content = path) => ({ path, bytes: Math.round(gib * 1024 ** 3), sha256: hash(content) });
const Q5 = { quantization: 'Q5_K_M', files: [file('Qwen3-8B-Q5_K_M.gguf', 5.4)], facts: { ...FACTS, quantization: 'Q5_K_M' } };

/** Every look of a diff, kept as files to be read. `vitest -u` writes them anew. */
const STORIES: Readonly<Record<string, readonly [Lock, Lock]>> = {
  'a first lock': [NONE, SAMPLE],
  'everything is gone': [SAMPLE, NONE],
  'only the commit moved': [one(), one({ origin: { kind: 'hf', repo: 'Qwen/Qwen3-8B-GGUF', commit: hash('next').slice(0, 40) } })],
  'a tag was published anew with another template': [
    one({ origin: { kind: 'ollama', host: 'registry.ollama.ai', name: 'library/qwen3', tag: 'latest' }, manifest: hash('old') }),
    one({
      origin: { kind: 'ollama', host: 'registry.ollama.ai', name: 'library/qwen3', tag: 'latest' },
      manifest: hash('new'),
      chatTemplate: hash('other'),
    }),
  ],
  'another quantization': [one(), one(Q5)],
  'license template and tokenizer changed': [one(), one({ license: 'other', chatTemplate: null, tokenizer: hash('other') })],
  'a license is told for the first time': [one({ license: null }), one()],
  'the same file with other content and size': [
    one({ files: [file('model.gguf', 4.7)] }),
    one({ files: [file('model.gguf', 4.8, 'other')], facts: { ...FACTS, contextTrained: 131072 } }),
  ],
  'a file was renamed and one came': [
    one({ files: [file('old/a-rather-long-name-of-a-file-with-weights-in-it.gguf', 2)] }),
    one({
      files: [
        file('new/a-rather-long-name-of-a-file-with-weights-in-it.gguf', 2, 'old/a-rather-long-name-of-a-file-with-weights-in-it.gguf'),
        file('b.gguf', 0.5),
      ],
    }),
  ],
  'sources of another kind': [
    one(),
    one({ source: 'https://example.com/m.gguf', revision: null, origin: { kind: 'https', url: 'https://example.com/m.gguf' } }),
  ],
  'a bit of everything': [
    SAMPLE,
    {
      models: { chat: locked(Q5), 'chat@prod': SAMPLE.models['chat@prod']!, new: locked({ license: 'mit' }), tiny: SAMPLE.models['tiny']! },
      engines: { local: 'llama-server 0.8.1', cloud: 'openai 1' },
    },
  ],
  'names that would draw on the screen': [NONE, one({ license: '\u001b[31mred\u001b[0m', files: [file('a\u202egpj.gguf', 1)] })],
};

describe.each(Object.entries(STORIES))('the difference "%s"', (name, [before, after]) => {
  const path = (look: string): string => `./diffs/${name.replaceAll(' ', '-')}.${look}`;
  test('reads well at 80 columns', async () => {
    const text = renderLockDiff(diffLock(before, after), { color: false, width: 80 });
    expect(text.split('\n').filter((line) => line.length > 80 && line.trim().includes(' '))).toEqual([]);
    await expect(`${text}\n${lockDiffWords(diffLock(before, after))}\n`).toMatchFileSnapshot(path('txt'));
  });
});

test('the difference in colour says the same', async () => {
  const [before, after] = STORIES['a bit of everything']!;
  const [plain, colored] = [false, true].map((color) => renderLockDiff(diffLock(before, after), { color, width: 80 }));
  expect(colored!.replaceAll(/\u001b\[[0-9;]*m/g, '')).toBe(plain);
  expect(colored).toContain('\u001b[');
});

test('the difference as data', async () => {
  const [before, after] = STORIES['a bit of everything']!;
  await expect(`${JSON.stringify(diffLock(before, after), null, 2)}\n`).toMatchFileSnapshot('./diffs/a-bit-of-everything.json');
});

describe('A difference', () => {
  it('of a lock and itself is none, whatever its order', () => {
    fc.assert(
      fc.property(lock, (any) => {
        const turned = { models: Object.fromEntries(Object.entries(any.models).toReversed()), engines: any.engines };
        expect(diffLock(any, turned)).toEqual({ models: [], engines: [] });
        expect(renderLockDiff(diffLock(any, any), { color: false, width: 80 })).toBe('');
      }),
      { numRuns: 100 },
    );
  });

  it('names exactly the entries that differ, and turned round tells the way back', () => {
    fc.assert(
      fc.property(lock, lock, fc.constantFrom('chat'), (before, other, name) => {
        const after: Lock = { models: { ...before.models, ...other.models, [name]: locked() }, engines: other.engines };
        const there = diffLock(before, after);
        const back = diffLock(after, before);
        const changed = Object.keys(after.models).filter((key) => JSON.stringify(before.models[key]) !== JSON.stringify(after.models[key]));
        expect(there.models.map(({ entry }) => entry)).toEqual(changed.sort());
        expect(back.models.map(({ entry }) => entry)).toEqual(changed);
        expect(back.models.flatMap(({ fields }) => fields.map(({ from, to }) => [to, from])).sort()).toEqual(
          there.models.flatMap(({ fields }) => fields.map(({ from, to }) => [from, to])).sort(),
        );
        renderLockDiff(there, { color: true, width: 80 });
      }),
      { numRuns: 60 },
    );
  });
});
