import { describe, expect, it, vi } from 'vitest';
import type { RemoteFile } from '../../src/domain/weights.ts';
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

/** Nobody is answered before three have asked, and a fourth had the time to. */
function threeTogether(): Behaviour {
  let arrived = 0;
  let open = (): void => undefined;
  const three = new Promise<void>((resolve) => (open = resolve));
  return async (exchange) => {
    arrived += 1;
    if (arrived === 3) setTimeout(open, 100);
    await three;
    await slowly(exchange);
  };
}

type Wanted = ReturnType<typeof wantedFrom>[number];
const wantedFrom = (url: string) => files.map((file, index) => ({ file, download: download(`${new URL(url).origin}/${index}`) }));

describe('Fetching several files', () => {
  it('takes three at a time, and tells how far each and all are', async () => {
    const { store } = await emptyStore();
    const from = await server(Buffer.alloc(0), threeTogether());
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

describe('Fetching for several models at once', () => {
  const io = { signal: new AbortController().signal, progress: () => undefined };

  it('takes three files at a time over all of them', async () => {
    const { store } = await emptyStore();
    const from = await server(Buffer.alloc(0), threeTogether());
    const wanted = wantedFrom(from.url);
    await Promise.all(wanted.map((one) => fetchAll(store, [one], io)));
    for (const [index, file] of files.entries()) await expectWhole(store, file, contents[index]!);
    expect(from.mostAtOnce()).toBe(3);
  });

  it('lets one that is stopped while it waits for its turn go, and loses no turn by that', async () => {
    const { store } = await emptyStore();
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const from = await server(Buffer.alloc(0), async (exchange) => {
      await opened;
      await slowly(exchange);
    });
    const wanted = wantedFrom(from.url);
    const going = wanted.slice(0, 3).map((one) => fetchAll(store, [one], io));
    await vi.waitFor(() => expect(from.arrived).toHaveLength(3));
    const stop = new AbortController();
    const waiting = fetchAll(store, [wanted[3]!], { ...io, signal: stop.signal });
    const last = fetchAll(store, [wanted[4]!], io);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ problem: { code: 'cancelled' } });
    open();
    await Promise.all([...going, last]);
    expect(from.arrived).toHaveLength(4);
  });

  it('promises the room of the disk once: what does not fit beside the others is refused, and they go on', async () => {
    const [first, second, third] = files as [RemoteFile, RemoteFile, RemoteFile];
    let used = 0;
    const disk = first.bytes + second.bytes + 10;
    const { store, dir } = await emptyStore({ freeBytes: () => Promise.resolve(disk - used) });
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const from = await server(Buffer.alloc(0), async (exchange) => {
      await opened;
      await slowly(exchange);
    });
    const [one, two, three] = wantedFrom(from.url) as [Wanted, Wanted, Wanted];
    const going = fetchAll(store, [one, two], io);
    await vi.waitFor(() => expect(from.arrived).toHaveLength(2));
    await expect(fetchAll(store, [three], io)).rejects.toMatchObject({
      problem: {
        code: 'disk-full',
        summary: expect.stringContaining(
          `the disk of ${dir} has 58.6 KiB free, of which downloads that are under way take 58.6 KiB.`,
        ) as string,
      },
    });
    open();
    await going;
    used = first.bytes + second.bytes;
    await expect(fetchAll(store, [three], io)).rejects.toMatchObject({ problem: { code: 'disk-full' } });
    used -= first.bytes;
    await fetchAll(store, [three], io);
    await expectWhole(store, third, contents[2]!);
  });

  it('gives the room of one that failed back', async () => {
    const { store } = await emptyStore({ freeBytes: () => Promise.resolve(files[0]!.bytes + 10) });
    const from = await server(Buffer.alloc(0), (exchange) => void exchange.response.writeHead(404).end());
    const [one] = wantedFrom(from.url) as [Wanted];
    for (const _ of [1, 2]) await expect(fetchAll(store, [one], io)).rejects.toMatchObject({ problem: { code: 'download-not-found' } });
  });
});
