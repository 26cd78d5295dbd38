import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileOf, inTurn, seededBytes, serve } from './file-server.ts';
import { startFetcher } from './processes.ts';
import { download, emptyStore, expectWhole, server } from './shelf.ts';

const content = seededBytes(2_000_000, 7);
const file = fileOf(content);
const slowly = serve({ pieceBytes: 20_000, pauseMs: 1 });

describe('kill -9 while weights are fetched', () => {
  it.each([11, 12, 13])('loses nothing that was told as fetched, at moments by chance (seed %i)', async (seed) => {
    const { store, dir } = await emptyStore();
    const files = await server(content, slowly);
    const moments = [...seededBytes(3, seed)].map((byte) => Math.floor((byte / 256) * content.length)).sort((a, b) => a - b);
    const told: number[] = [];
    for (const moment of moments) {
      const fetcher = startFetcher({ dir, file, download: download(files.url) });
      await fetcher.until((line) => 'whole' in line || ('done' in line && line.done >= moment));
      fetcher.kill('SIGKILL');
      await fetcher.ended();
      told.push(Math.max(0, ...fetcher.lines.map((line) => ('done' in line ? line.done : 0))));
      const whole = await store.find(file);
      if (whole === null) expect((await stat(join(dir, 'partial', file.sha256))).size).toBeGreaterThanOrEqual(told.at(-1) ?? 0);
      else await expectWhole(store, file, content);
    }
    const last = startFetcher({ dir, file, download: download(files.url) });
    await last.until((line) => 'whole' in line);
    await expectWhole(store, file, content);
    for (const [index, { from }] of files.arrived.entries()) if (index > 0) expect(from).toBeGreaterThanOrEqual(told[index - 1] ?? 0);
  });

  it('by one of two processes that want the same file lets the other go on where it was', async () => {
    const { store, dir } = await emptyStore();
    const files = await server(content, inTurn(serve({ stallAfter: 1_000_000 }), serve()));
    const first = startFetcher({ dir, file, download: download(files.url) });
    await first.until((line) => 'done' in line && line.done === 1_000_000);
    const second = startFetcher({ dir, file, download: download(files.url) });
    await second.until((line) => 'note' in line);
    expect(second.lines).toContainEqual({ note: 'hf:desk/tiny@1a2b3c4 file.gguf is being fetched by another llmops; waiting for it.' });
    await second.until((line) => 'done' in line && line.done === 1_000_000);
    expect(files.arrived).toHaveLength(1);
    first.kill('SIGKILL');
    await second.until((line) => 'whole' in line);
    expect(files.arrived.map(({ from }) => from)).toEqual([null, 1_000_000]);
    await expectWhole(store, file, content);
  });
});

describe('Two processes that want the same file', () => {
  it('fetch it once: the one that waits finds it whole', async () => {
    const { store, dir } = await emptyStore();
    const files = await server(content, slowly);
    const both = [1, 2].map(() => startFetcher({ dir, file, download: download(files.url) }));
    await Promise.all(both.map((fetcher) => fetcher.until((line) => 'whole' in line)));
    expect(files.arrived).toHaveLength(1);
    await expectWhole(store, file, content);
  });

  it('do not lose it to a removal: what is being fetched stays', async () => {
    const { store, dir } = await emptyStore();
    const files = await server(content, inTurn(serve({ stallAfter: 1_000_000 }), serve()));
    const fetcher = startFetcher({ dir, file, download: download(files.url) });
    await fetcher.until((line) => 'done' in line && line.done === 1_000_000);
    expect(await store.remove([file.sha256])).toBe(0);
    expect(await store.partialBytes(file)).toBe(1_000_000);
    fetcher.kill('SIGKILL');
    await fetcher.ended();
    expect(await store.remove([file.sha256])).toBe(1_000_000);
    expect(await store.list()).toEqual([]);
  });
});
