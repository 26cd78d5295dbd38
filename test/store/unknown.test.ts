import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answer, fileOf, inTurn, seededBytes, serve, type Behaviour } from './file-server.ts';
import { download, emptyStore, expectWhole, listener, server } from './shelf.ts';

const content = seededBytes(60_000, 9);
const newer = seededBytes(60_000, 10);

/** Cut off at 20,000 by a person who then runs it again. */
async function inTwoRuns(first: Behaviour, second: Behaviour, served: Buffer = content) {
  const { store, dir } = await emptyStore();
  const files = await server(served, inTurn(first, second));
  const stop = new AbortController();
  const io = { signal: stop.signal, progress: (done: number) => void (done === 20_000 && stop.abort()) };
  await expect(store.fetchUnknown('a.gguf', download(files.url), io)).rejects.toMatchObject({ problem: { code: 'cancelled' } });
  const told = listener();
  const found = await store.fetchUnknown('a.gguf', download(files.url), told.io);
  return { store, dir, files, found, ...told };
}

describe('A file that nobody knows the digest of', () => {
  it('is fetched whole, told, and kept', async () => {
    const { store, dir } = await emptyStore();
    const files = await server(content);
    const { io, progress } = listener();
    const found = await store.fetchUnknown('a.gguf', download(files.url), io);
    expect(found).toEqual(fileOf(content, 'a.gguf'));
    expect(progress.at(-1)).toEqual([content.length, content.length]);
    await expectWhole(store, found, content);
    expect(await readdir(join(dir, 'partial'))).toEqual([]);
  });

  it('is told of without a length as long as nobody knows it, and ends where the server ends it', async () => {
    const { store } = await emptyStore();
    const files = await server(content, serve({ chunked: true }));
    const { io, progress } = listener();
    expect(await store.fetchUnknown('a.gguf', download(files.url), io)).toEqual(fileOf(content, 'a.gguf'));
    expect(progress[0]?.[1]).toBe(0);
    expect(progress.at(-1)).toEqual([content.length, content.length]);
  });

  it('goes on in another run where the server vouches with an ETag that it is the same', async () => {
    const { files, found } = await inTwoRuns(serve({ etag: '"v1"', stallAfter: 20_000 }), serve({ etag: '"v1"' }));
    expect(found).toEqual(fileOf(content, 'a.gguf'));
    expect(files.arrived[1]).toMatchObject({ from: 20_000, sent: 40_000, headers: { 'if-range': '"v1"' } });
  });

  it('goes on after a cut in the same way', async () => {
    const { store } = await emptyStore();
    const files = await server(content, inTurn(serve({ etag: '"v1"', cutAfter: 20_000 }), serve({ etag: '"v1"' })));
    expect(await store.fetchUnknown('a.gguf', download(files.url), listener().io)).toEqual(fileOf(content, 'a.gguf'));
    expect(files.arrived.map(({ from }) => from)).toEqual([null, 20_000]);
  });

  it('goes on where a date of last change vouches, if it was old enough then', async () => {
    const dated = { 'last-modified': 'Wed, 01 Jul 2026 00:00:00 GMT' };
    const second: Behaviour = (exchange) => {
      expect(exchange.request.headers['if-range']).toBe(dated['last-modified']);
      exchange.response.writeHead(206, { 'content-range': `bytes 20000-59999/60000`, ...dated }).end(content.subarray(20_000));
    };
    const { found } = await inTwoRuns(serve({ headers: dated, stallAfter: 20_000 }), second);
    expect(found).toEqual(fileOf(content, 'a.gguf'));
  });

  it.each<readonly [string, Behaviour]>([
    ['there is nothing to vouch with', serve({ stallAfter: 20_000 })],
    ['the ETag is a weak one', serve({ etag: 'W/"v1"', stallAfter: 20_000 })],
    ['it changed in the same second', (e) => serve({ headers: { 'last-modified': new Date().toUTCString() }, stallAfter: 20_000 })(e)],
  ])('begins anew if %s', async (_, first) => {
    const { files, found } = await inTwoRuns(first, serve());
    expect(found).toEqual(fileOf(content, 'a.gguf'));
    expect(files.arrived.map(({ from }) => from)).toEqual([null, null]);
  });

  it.each<readonly [string, Behaviour]>([
    ['the server says so', serve({ etag: '"v2"' })],
    [
      'the server sends a part of another version all the same',
      ({ n, response, arrived }) =>
        n === 1
          ? void response.writeHead(206, { 'content-range': 'bytes 20000-59999/60000', etag: '"v2"' }).end(newer.subarray(20_000))
          : void (expect(arrived.from).toBeNull(), response.writeHead(200, { etag: '"v2"', 'content-length': '60000' }).end(newer)),
    ],
    [
      'it is shorter now',
      ({ n, response }) => (n === 1 ? answer(416, { 'content-range': 'bytes */60000' })({ response } as never) : void response.end(newer)),
    ],
  ])('is never put together from two versions: %s', async (_, second) => {
    const older: Behaviour = (exchange) => serve({ etag: '"v1"', stallAfter: 20_000 })({ ...exchange, content });
    const { store, found } = await inTwoRuns(older, second, newer);
    expect(found).toEqual(fileOf(newer, 'a.gguf'));
    await expectWhole(store, found, newer);
  });

  it('is shown as what it is while it is not whole, under a key that does not tell its address, and can be removed', async () => {
    const { store } = await emptyStore();
    const files = await server(content, serve({ stallAfter: 20_000, etag: '"v1"' }));
    const stop = new AbortController();
    const io = { signal: stop.signal, progress: (done: number) => void (done === 20_000 && stop.abort()) };
    await store.fetchUnknown('a.gguf', download(`${files.url}?token=canary`), io).catch(() => undefined);
    const [stored] = await store.list();
    expect(stored).toMatchObject({
      key: expect.stringMatching(/^unknown-[0-9a-f]{32}$/) as string,
      sha256: null,
      bytes: 20_000,
      state: 'partial',
    });
    expect(await store.remove([stored?.key ?? ''])).toBe(20_000);
    expect(await store.list()).toEqual([]);
  });

  it('that is here already by another way is not replaced under those who use it', async () => {
    const { store } = await emptyStore();
    const files = await server(content);
    await store.fetch(fileOf(content), download(files.url), listener().io);
    const before = await store.list();
    await store.fetchUnknown('a.gguf', download(files.url), listener().io);
    expect(await store.list()).toEqual(before);
  });
});
