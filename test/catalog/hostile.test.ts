import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { makeShelf } from './setup.ts';
import { tinyGguf } from './tiny.ts';

const shelf = makeShelf();
afterAll(() => shelf.remove());

/** Resolves one file with these bytes. */
async function look(bytes: Buffer): Promise<{ readonly code: string | null; readonly summary: string }> {
  shelf.put('a.gguf', bytes);
  const { problems, artifacts } = await shelf.resolve({ a: { file: 'a.gguf' } });
  expect(problems.length + Object.keys(artifacts).length).toBe(1);
  return { code: problems[0]?.code ?? null, summary: problems[0]?.summary ?? '' };
}

const TINY = tinyGguf();
const HUGE = 2n ** 63n - 1n;

describe('a file that is no whole GGUF', () => {
  test.each<[string, Buffer, string]>([
    ['is empty', Buffer.alloc(0), 'less than any header'],
    ['is something else', Buffer.from('<!DOCTYPE html><title>404</title>'.repeat(9)), 'does not begin with "GGUF"'],
    [
      'is a pointer of git-lfs',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'),
      'does not begin with "GGUF"',
    ],
    ['has another format version', tinyGguf({ version: 9 }), 'format version 9'],
    ['claims more tensors than it has bytes', tinyGguf({ claims: { tensors: HUGE } }), 'cannot hold'],
    ['claims more keys than it has bytes', tinyGguf({ claims: { pairs: HUGE } }), 'cannot hold'],
    ['claims one key too many', tinyGguf({ claims: { pairs: 10n } }), ''],
    ['has a tensor without a name', tinyGguf({ tensors: { '': 8 } }), 'no name'],
    ['lacks its last byte', TINY.subarray(0, -1), 'cut off'],
    ['ends in its header', TINY.subarray(0, 100), ''],
  ])('because it %s', async (_what, bytes, reason) => {
    const { code, summary } = await look(bytes);
    expect([code, summary]).toEqual(['weights-corrupt', expect.stringContaining(reason)]);
  });

  test('because a text of its header claims to be longer than the file', async () => {
    const bytes = Buffer.from(TINY);
    bytes.writeBigUInt64LE(HUGE, 24);
    expect((await look(bytes)).code).toBe('weights-corrupt');
  });

  test('because a list of its header claims to be longer than any header', async () => {
    const list = tinyGguf({ metadata: { a: ['x'] }, tensors: {} });
    list.writeBigUInt64LE(900_000n, 24 + 8 + 1 + 4 + 4);
    expect((await look(list)).code).toBe('weights-corrupt');
  });
});

test('wherever a file is cut off, it is damaged, and looking at it never fails', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: TINY.length - 1 }), async (length) => {
      expect((await look(TINY.subarray(0, length))).code).toBe('weights-corrupt');
    }),
    { numRuns: 60 },
  );
});

test('whatever bytes of a file are spoiled, looking at it never fails', async () => {
  const spot = fc.tuple(fc.integer({ min: 0, max: TINY.length - 1 }), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(spot, { minLength: 1, maxLength: 8 }), async (spots) => {
      const bytes = Buffer.from(TINY);
      for (const [at, value] of spots) bytes[at] = value;
      expect([null, 'weights-corrupt']).toContain((await look(bytes)).code);
    }),
    { numRuns: 150 },
  );
});

test('a metadata key that names a part of JavaScript changes nothing', async () => {
  expect(
    (await look(tinyGguf({ metadata: { __proto__x: 'a', constructor: 'b', 'general.architecture': 'constructor' } }))).code,
  ).toBeNull();
});
