import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readGgufFacts } from '../../src/catalog/index.ts';
import { makeShelf, settle, type Shelf } from './setup.ts';
import { tinyGguf } from './tiny.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const codes = (resolved: { readonly problems: readonly { readonly code: string }[] }): string[] =>
  resolved.problems.map((problem) => problem.code);
const TINY = tinyGguf();

let shelf: Shelf;
beforeEach(() => void (shelf = makeShelf()));
afterEach(() => shelf.remove());

describe('weights that are there', () => {
  test('are known by their digest and by what their header tells', async () => {
    const path = shelf.put('a.gguf', TINY);
    const { artifacts, problems } = await shelf.resolve({ a: { file: 'a.gguf' } });
    expect(problems).toEqual([]);
    expect(artifacts['a']).toEqual({
      source: 'file:a.gguf',
      path,
      bytes: TINY.length,
      sha256: sha256(TINY),
      gguf: {
        architecture: 'llama',
        name: 'tiny',
        quantization: 'Q4_K_M',
        contextTrained: 2048,
        layers: 2,
        embedding: 64,
        heads: 4,
        kvHeads: 4,
        keyLength: null,
        valueLength: null,
        vocabulary: 3,
        experts: null,
        feedForward: null,
        tensorBytes: 24 * 4,
      },
    });
  });

  test('are read once for all models that share them', async () => {
    shelf.put('a.gguf', TINY);
    const { artifacts } = await shelf.resolve({ a: { file: 'a.gguf' }, b: { file: './a.gguf' } });
    expect(shelf.read).toHaveLength(1);
    expect(artifacts['b']?.sha256).toBe(artifacts['a']?.sha256);
  });

  test('that are split are one model: all parts count, and the digest is that of `sha256sum PARTS | cut -c1-64 | sha256sum`', async () => {
    const parts = [tinyGguf(), tinyGguf({ metadata: {}, tensors: { 'blk.0.weight': 8 } })] as const;
    shelf.put('m-00001-of-00002.gguf', parts[0]);
    shelf.put('m-00002-of-00002.gguf', parts[1]);
    const { artifacts } = await shelf.resolve({ m: { file: 'm-00001-of-00002.gguf' } });
    const digests = parts.map((part) => `${sha256(part)}\n`).join('');
    const bytes = Buffer.concat(parts).length;
    expect(artifacts['m']).toMatchObject({ bytes, sha256: sha256(Buffer.from(digests)), gguf: { name: 'tiny', tensorBytes: 32 * 4 } });
  });

  test('that are not GGUF have a digest and no facts', async () => {
    shelf.put('model.safetensors', 'something else');
    expect((await shelf.resolve({ a: { file: 'model.safetensors' } })).artifacts['a']).toMatchObject({ gguf: null, bytes: 14 });
  });

  test('can lie behind a link, and the link is followed', async () => {
    const path = shelf.put('a.gguf', TINY);
    symlinkSync('a.gguf', join(shelf.folder, 'latest.gguf'));
    expect((await shelf.resolve({ a: { file: 'latest.gguf' } })).artifacts['a']?.path).toBe(path);
  });

  test('tell their header without being read', async () => {
    expect(await readGgufFacts(shelf.put('a.gguf', TINY))).toMatchObject({ contextTrained: 2048 });
  });
});

const once = async (): Promise<void> => {
  await settle(shelf.put('a.gguf', TINY));
  await shelf.resolve({ a: { file: 'a.gguf' } });
  shelf.read.length = 0;
};
const again = (): Promise<unknown> => shelf.resolve({ a: { file: 'a.gguf' } });
const entry = (): string => join(shelf.cacheDir, 'digests', readdirSync(join(shelf.cacheDir, 'digests'))[0] ?? '');

describe('digests are remembered', () => {
  test('as long as the file is not touched', async () => {
    await once();
    await again();
    expect(shelf.read).toEqual([]);
  });

  test('not for other bytes of the same length and time', async () => {
    await once();
    const other = Buffer.from(TINY);
    other[other.length - 1] = 8;
    writeFileSync(join(shelf.folder, 'a.gguf'), other);
    utimesSync(join(shelf.folder, 'a.gguf'), 0, 0);
    expect((await shelf.resolve({ a: { file: 'a.gguf' } })).artifacts['a']?.sha256).toBe(sha256(other));
  });

  test.each([
    ['rubbish', (): string => '\0'],
    ['nothing', (): string => ''],
    ['half of itself', (text: string): string => text.slice(0, text.length / 2)],
    ['another digest', (text: string): string => text.replace(sha256(TINY), sha256(Buffer.from('other')))],
    ['another format', (text: string): string => text.replace('"format":3', '"format":0')],
  ])('and an entry that holds %s is as good as none', async (_what, spoil) => {
    await once();
    writeFileSync(entry(), spoil(readFileSync(entry(), 'utf8')));
    const { artifacts } = await shelf.resolve({ a: { file: 'a.gguf' } });
    expect(artifacts['a']?.sha256).toBe(sha256(TINY));
    expect(shelf.read).toEqual(['a']);
  });

  test('and a cache that cannot be written changes nothing else', async () => {
    await settle(shelf.put('a.gguf', TINY));
    writeFileSync(shelf.cacheDir, 'a file where the folder should be');
    expect((await shelf.resolve({ a: { file: 'a.gguf' } })).problems).toEqual([]);
  });

  test('and many at once leave one whole entry and no rests', async () => {
    await settle(shelf.put('a.gguf', TINY));
    await Promise.all(Array.from({ length: 8 }, again));
    expect(readdirSync(join(shelf.cacheDir, 'digests'))).toHaveLength(1);
    shelf.read.length = 0;
    await again();
    expect(shelf.read).toEqual([]);
  });
});

describe('weights that are not as declared', () => {
  test('a missing file is said at its line, and other models are looked at all the same', async () => {
    shelf.put('b.gguf', TINY);
    const { artifacts, problems } = await shelf.resolve({ a: { file: 'a.gguf' }, b: { file: 'b.gguf' } });
    expect(problems).toMatchObject([{ severity: 'error', code: 'weights-missing', model: 'a', place: { line: 1, column: 13 } }]);
    expect(Object.keys(artifacts)).toEqual(['b']);
  });

  test('a folder, a circle of links, and another part than the first are told apart', async () => {
    mkdirSync(join(shelf.folder, 'folder'));
    symlinkSync('circle', join(shelf.folder, 'circle'));
    shelf.put('m-00002-of-00003.gguf', TINY);
    shelf.put('n-00001-of-00002.gguf', TINY);
    const found = await shelf.resolve({
      a: { file: 'folder' },
      b: { file: 'circle' },
      c: { file: 'm-00002-of-00003.gguf' },
      d: { file: 'n-00001-of-00002.gguf' },
    });
    expect(codes(found)).toEqual(['weights-not-a-file', 'weights-missing', 'weights-split', 'weights-split']);
    expect(found.problems[2]?.fix).toContain('m-00001-of-00003.gguf');
    expect(found.problems[3]?.summary).toContain('n-00002-of-00002.gguf');
  });

  test.skipIf(process.getuid?.() === 0)('a file that this user may not read (root may read everything)', async () => {
    chmodSync(shelf.put('a.gguf', TINY), 0o000);
    expect(codes(await shelf.resolve({ a: { file: 'a.gguf' } }))).toEqual(['weights-unreadable']);
  });

  test('a link out of the folder is refused unless the file allows it', async () => {
    const elsewhere = makeShelf();
    symlinkSync(elsewhere.put('a.gguf', TINY), join(shelf.folder, 'a.gguf'));
    expect(codes(await shelf.resolve({ a: { file: 'a.gguf' } }))).toEqual(['weights-outside']);
    expect(codes(await shelf.resolve({ a: { file: 'a.gguf' } }, { allowOutside: true }))).toEqual([]);
    expect(codes(await shelf.resolve({ a: { file: join(tmpdir(), '..') } }))).toEqual(['weights-outside']);
    elsewhere.remove();
  });

  test('another digest than the declared one names both', async () => {
    shelf.put('a.gguf', TINY);
    const { artifacts, problems } = await shelf.resolve({ a: { file: 'a.gguf', sha256: '00' } });
    expect(problems).toMatchObject([{ code: 'digest-mismatch', expected: '00', summary: expect.stringContaining(sha256(TINY)) }]);
    expect(Object.keys(artifacts)).toEqual(['a']);
    expect(codes(await shelf.resolve({ a: { file: 'a.gguf', sha256: sha256(TINY).toUpperCase() } }))).toEqual([]);
  });

  test('another quantization than the declared ones names what the file has', async () => {
    shelf.put('a.gguf', TINY);
    const { problems } = await shelf.resolve({
      a: { file: 'a.gguf', quantizations: ['Q8_0', 'Q6_K'] },
      b: { file: 'a.gguf', quantizations: ['q4_k_m'] },
    });
    expect(problems).toMatchObject([{ code: 'quantization-mismatch', expected: 'Q8_0, Q6_K', summary: expect.stringContaining('Q4_K_M') }]);
  });

  test('a mix of a publisher is told by its name: its header only says what it was made from', async () => {
    for (const name of ['M-UD-Q4_K_XL.gguf', 'M-Q4_K_L.gguf', 'chat.gguf', 'M-Q8_0.gguf']) shelf.put(name, TINY);
    const { problems } = await shelf.resolve({
      dynamic: { file: 'M-UD-Q4_K_XL.gguf', quantizations: ['UD-Q4_K_XL'] },
      unmarked: { file: 'M-UD-Q4_K_XL.gguf', quantizations: ['Q4_K_XL'] },
      large: { file: 'M-Q4_K_L.gguf', quantizations: ['Q4_K_L'] },
      renamed: { file: 'chat.gguf', quantizations: ['UD-Q4_K_XL'] },
      'renamed-too': { file: 'chat.gguf', quantizations: ['Q4_K_L'] },
      short: { file: 'chat.gguf', quantizations: ['Q4_K'] },
      misnamed: { file: 'M-Q8_0.gguf', quantizations: ['Q4_K_M'] },
      other: { file: 'M-Q8_0.gguf', quantizations: ['UD-Q5_K_XL'] },
      coarser: { file: 'chat.gguf', quantizations: ['Q5_K_L'] },
    });
    expect(problems.map(({ code, expected }) => [code, expected])).toEqual([
      ['quantization-mismatch', 'UD-Q5_K_XL'],
      ['quantization-mismatch', 'Q5_K_L'],
    ]);
  });

  test('sources and models that are not acted on are not looked at', async () => {
    const { artifacts, problems } = await shelf.resolve({ a: { file: 'nowhere.gguf' } }, { inertModels: ['a'] });
    expect([artifacts, problems]).toEqual([{}, []]);
  });

  test('a file that changes while it is read has no digest', async () => {
    const path = shelf.put('a.gguf', TINY);
    shelf.meanwhile = () => writeFileSync(path, 'more', { flag: 'a' });
    const { artifacts, problems } = await shelf.resolve({ a: { file: 'a.gguf' } });
    expect([Object.keys(artifacts), problems]).toMatchObject([[], [{ code: 'weights-changed' }]]);
  });

  test('a look that is called off ends, and says so', async () => {
    shelf.put('a.gguf', TINY);
    await expect(shelf.resolve({ a: { file: 'a.gguf' } }, {}, AbortSignal.abort())).rejects.toMatchObject({
      problem: { code: 'cancelled' },
    });
  });
});
