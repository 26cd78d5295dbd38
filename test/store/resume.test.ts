import fc from 'fast-check';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileOf, inTurn, seededBytes, serve, startFileServer } from './file-server.ts';
import { attempt, download, emptyStore, expectWhole, listener, server } from './shelf.ts';

const content = seededBytes(300_000);
const file = fileOf(content);

describe('A download that is cut off', () => {
  it('at any byte goes on at that byte, and fetches none twice', async () => {
    const cuts = fc.array(fc.oneof(fc.integer({ min: 0, max: content.length }), fc.constantFrom(0, 1, content.length - 1)), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(cuts, async (lengths) => {
        const files = await startFileServer(content, inTurn(...lengths.map((cutAfter) => serve({ cutAfter })), serve()));
        const { store } = await emptyStore();
        try {
          await store.fetch(file, download(files.url), listener().io);
          await expectWhole(store, file, content);
          let at = 0;
          for (const { from, sent } of files.arrived) {
            expect(from ?? 0).toBe(at);
            at += sent;
          }
          expect(at).toBe(content.length);
        } finally {
          await files.close();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('in another run goes on from what lies on disk', async () => {
    const { store, dir } = await emptyStore();
    await mkdir(join(dir, 'partial'), { recursive: true });
    await writeFile(join(dir, 'partial', file.sha256), content.subarray(0, 123_456));
    expect(await store.partialBytes(file)).toBe(123_456);
    const files = await server(content);
    const { io, progress } = listener();
    await store.fetch(file, download(files.url), io);
    expect(files.arrived.map(({ from, sent }) => [from, sent])).toEqual([[123_456, content.length - 123_456]]);
    expect(progress[0]?.[0]).toBeGreaterThan(123_456);
    expect(progress.at(-1)).toEqual([content.length, content.length]);
    await expectWhole(store, file, content);
  });

  it('after its last byte asks for nothing, and is verified all the same', async () => {
    const { store, dir } = await emptyStore();
    await mkdir(join(dir, 'partial'), { recursive: true });
    await writeFile(join(dir, 'partial', file.sha256), content);
    const files = await server(content);
    await store.fetch(file, download(files.url), listener().io);
    expect(files.arrived).toEqual([]);
    await expectWhole(store, file, content);
  });

  it('and left more than the file has is begun anew', async () => {
    const { store, dir } = await emptyStore();
    await mkdir(join(dir, 'partial'), { recursive: true });
    await writeFile(join(dir, 'partial', file.sha256), Buffer.concat([content, Buffer.from('!')]));
    expect(await store.partialBytes(file)).toBe(0);
    const files = await server(content);
    await store.fetch(file, download(files.url), listener().io);
    expect(files.arrived.map(({ from }) => from)).toEqual([null]);
    await expectWhole(store, file, content);
  });

  it('is not given up as long as each connection brings something', async () => {
    const small = seededBytes(40);
    const { store, error, files } = await attempt(small, fileOf(small), serve({ cutAfter: 1 }), { options: { tuning: { tries: 2 } } });
    expect(error).toBeNull();
    expect(files.arrived).toHaveLength(40);
    await expectWhole(store, fileOf(small), small);
  });

  it('is given up after as many tries in a row as were allowed, with what it has kept', async () => {
    const behave = inTurn(serve({ cutAfter: 1000 }), serve({ cutAfter: 0 }));
    const { store, error, files } = await attempt(content, file, behave, { options: { tuning: { tries: 3 } } });
    expect(error).toMatchObject({
      problem: {
        code: 'download-failed',
        summary: expect.stringMatching(
          /^hf:desk\/tiny@1a2b3c4 file\.gguf could not be fetched: 127\.0\.0\.1:\d+ .*, 3 times in a row\. The 1000 bytes that were fetched are kept\.$/,
        ) as string,
      },
    });
    expect(files.arrived).toHaveLength(4);
    expect(await store.partialBytes(file)).toBe(1000);
    expect(await store.find(file)).toBeNull();
  });

  it('by a person keeps what it has, and is no failure of the server', async () => {
    const stop = new AbortController();
    const { store } = await emptyStore();
    const files = await server(content, serve({ stallAfter: 100_000 }));
    const io = { signal: stop.signal, progress: (done: number) => void (done === 100_000 && stop.abort(new Error('Ctrl-C'))) };
    await expect(store.fetch(file, download(files.url), io)).rejects.toMatchObject({ problem: { code: 'cancelled' } });
    expect(await store.partialBytes(file)).toBe(100_000);
    expect(files.arrived).toHaveLength(1);
  });

  it('and whose length the server never tells is put together in the same way', async () => {
    const { store, error } = await attempt(content, file, inTurn(serve({ cutAfter: 77_777, chunked: true }), serve({ chunked: true })));
    expect(error).toBeNull();
    await expectWhole(store, file, content);
  });
});

describe('A download that was done', () => {
  it('asks nobody again', async () => {
    const { store, files, dir } = await attempt(content, file, serve());
    await store.fetch(file, download(files.url), listener().io);
    expect(files.arrived).toHaveLength(1);
    expect((await readFile(join(dir, 'blobs', file.sha256))).equals(content)).toBe(true);
  });

  it('of a file without bytes needs no server', async () => {
    const empty = fileOf(Buffer.alloc(0));
    const { store, error, files } = await attempt(Buffer.alloc(0), empty, serve());
    expect(error).toBeNull();
    expect(files.arrived).toEqual([]);
    await expectWhole(store, empty, Buffer.alloc(0));
  });
});
