import { describe, expect, it } from 'vitest';
import { fetchAll, type FetchProgress } from '../../src/store/index.ts';
import { answer, fileOf, seededBytes, serve, type Behaviour, type Serving } from './file-server.ts';
import { download, emptyStore, expectWhole, server } from './shelf.ts';

const contents = Array.from({ length: 7 }, (_, seed) => seededBytes(30_000 + seed, 40 + seed));
const files = contents.map((content, index) => fileOf(content, `part-${index}.gguf`));
const total = files.reduce((sum, { bytes }) => sum + bytes, 0);

/** One server for all: the file is named by its place in the list. */
const byName =
  (serving: Serving): Behaviour =>
  (exchange) =>
    serve(serving)({ ...exchange, content: contents[Number(/(\d+)$/.exec(exchange.arrived.url)?.[1])]! });
const slowly = byName({ pieceBytes: 10_000, pauseMs: 5 });

const wantedFrom = (url: string) => files.map((file, index) => ({ file, download: download(`${new URL(url).origin}/${index}`) }));

describe('Fetching several files', () => {
  it('takes three at a time, and tells how far each and all are', async () => {
    const { store } = await emptyStore();
    let arrived = 0;
    let open = (): void => undefined;
    const three = new Promise<void>((resolve) => (open = resolve));
    // Nobody is answered before three have asked, and a fourth had the time to.
    const together: Behaviour = async (exchange) => {
      arrived += 1;
      if (arrived === 3) setTimeout(open, 100);
      await three;
      await slowly(exchange);
    };
    const from = await server(Buffer.alloc(0), together);
    const told: FetchProgress[] = [];
    const io = { signal: new AbortController().signal, progress: (progress: FetchProgress) => void told.push(progress) };
    await fetchAll(store, wantedFrom(from.url), io);
    for (const [index, file] of files.entries()) await expectWhole(store, file, contents[index]!);
    expect(from.mostAtOnce()).toBe(3);
    expect(told.every(({ allTotal }) => allTotal === total)).toBe(true);
    expect(told.at(-1)?.allDone).toBe(total);
    const sums = told.map(({ allDone }) => allDone);
    expect(sums).toEqual(sums.toSorted((a, b) => a - b));
    expect(Math.max(...sums)).toBe(total);
  });

  it('counts those that are here, and fetches the same content once', async () => {
    const { store } = await emptyStore();
    const from = await server(Buffer.alloc(0), slowly);
    const wanted = wantedFrom(from.url);
    const told: FetchProgress[] = [];
    const io = { signal: new AbortController().signal, progress: (progress: FetchProgress) => void told.push(progress) };
    await fetchAll(store, wanted.slice(0, 2), io);
    await fetchAll(store, [...wanted.slice(0, 3), ...wanted.slice(0, 3)], io);
    expect(from.arrived).toHaveLength(3);
    expect(told.at(-1)).toMatchObject({ allDone: 90_003, allTotal: 90_003 });
  });

  it('is stopped by the first that fails, which is the one that is told', async () => {
    const { store } = await emptyStore();
    const behave: Behaviour = (exchange) => (exchange.arrived.url === '/1' ? answer(404) : byName({ stallAfter: 10_000 }))(exchange);
    const from = await server(Buffer.alloc(0), behave);
    const io = { signal: new AbortController().signal, progress: () => undefined };
    await expect(fetchAll(store, wantedFrom(from.url), io)).rejects.toMatchObject({ problem: { code: 'download-not-found' } });
    expect(from.arrived.length).toBeLessThanOrEqual(3);
  });

  it('begins none if they have no room together', async () => {
    const { store } = await emptyStore({ freeBytes: () => Promise.resolve(total - 1) });
    const from = await server(Buffer.alloc(0), slowly);
    const io = { signal: new AbortController().signal, progress: () => undefined };
    await expect(fetchAll(store, wantedFrom(from.url), io)).rejects.toMatchObject({ problem: { code: 'disk-full' } });
    expect(from.arrived).toEqual([]);
  });
});
