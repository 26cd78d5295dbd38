import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ProblemError } from '../../src/domain/problem.ts';
import { diskProblem } from '../../src/store/disk.ts';
import { fileOf, seededBytes } from './file-server.ts';
import { attempt, download, emptyStore, expectWhole, folder, listener, server } from './shelf.ts';

const MIB = 1024 ** 2;
const content = seededBytes(3 * MIB, 31);
const file = fileOf(content);

describe('A disk without room', () => {
  it('is noticed before anything is fetched, with what is needed, what is free, and what would help', async () => {
    const held = seededBytes(1000, 32);
    const { store, dir } = await emptyStore({ tuning: { reserveBytes: MIB }, freeBytes: () => Promise.resolve(3.5 * MIB) });
    const small = await server(held);
    await store.fetch(fileOf(held), download(small.url), listener().io);
    const files = await server(content);
    await expect(store.fetch(file, download(files.url), listener().io)).rejects.toMatchObject({
      problem: {
        code: 'disk-full',
        summary: `The weights need 3.0 MiB and a reserve of 1.0 MiB, and the disk of ${dir} has 3.5 MiB free. Nothing was fetched.`,
        fix: expect.stringMatching(
          /^Free 512\.0 KiB there, .* The store holds 1000 bytes in one file: `llmops cache prune` removes/,
        ) as string,
      },
    });
    expect(files.arrived).toEqual([]);
  });

  it('is not to be made in a store that is empty', async () => {
    const { store } = await emptyStore({ freeBytes: () => Promise.resolve(0) });
    const error = (await store.checkRoom([file]).catch((thrown: unknown) => thrown)) as ProblemError;
    expect(error.problem.fix).toMatch(/The store is empty, so that the room has to come from something else\.$/);
    expect(error.problem.fix).not.toContain('prune');
  });

  it('counts only what is missing: what is here in part or whole needs none', async () => {
    let free = 10 * MIB;
    const { store } = await emptyStore({ tuning: { reserveBytes: MIB, tries: 1 }, freeBytes: () => Promise.resolve(free) });
    const cut = await server(content, ({ response }) => {
      response.writeHead(200, { 'content-length': String(content.length) });
      response.write(content.subarray(0, 2 * MIB), () => response.destroy());
    });
    await store.fetch(file, download(cut.url), listener().io).catch(() => undefined);
    const missing = content.length - (await store.partialBytes(file));
    free = missing + MIB - 1;
    await expect(store.checkRoom([file])).rejects.toMatchObject({ problem: { code: 'disk-full' } });
    free = missing + MIB;
    await store.checkRoom([file]);
    const files = await server(content);
    await store.fetch(file, download(files.url), listener().io);
    free = 0;
    await store.checkRoom([file]);
    await expect(store.checkRoom([file, fileOf(seededBytes(10))])).rejects.toMatchObject({ problem: { code: 'disk-full' } });
    await store.fetch(file, download(files.url), listener().io);
    await expectWhole(store, file, content);
  });

  it('is asked about before the bytes of a file whose size only the server knows', async () => {
    const { store } = await emptyStore({ freeBytes: () => Promise.resolve(MIB) });
    const files = await server(content);
    await expect(store.fetchUnknown('a.gguf', download(files.url), listener().io)).rejects.toMatchObject({
      problem: { code: 'disk-full' },
    });
    expect(files.arrived).toHaveLength(1);
  });

  it('has its real room asked for, on the disk where the folder will be', async () => {
    const { error } = await attempt(content, { ...file, bytes: 2 ** 52 }, () => undefined);
    expect(error).toMatchObject({ problem: { code: 'disk-full', summary: expect.stringContaining('need 4096.0 TiB') as string } });
  });
});

const FETCHER = fileURLToPath(new URL('fetcher.ts', import.meta.url));
/** A mount of its own needs a user namespace, which some machines forbid. */
const mayMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

/** Runs the fetcher in a shell that limits it. It is told that there is room. */
async function limited(dir: string, url: string, limit: string, within: readonly string[] = []) {
  const task = JSON.stringify({ dir: join(dir, 'weights'), file, download: download(url), tuning: { reserveBytes: 0 }, free: 100 * MIB });
  const [program = 'sh', ...args] = [...within, 'sh', '-c', `${limit}; "$0" "$1" "$2"; stat -c %s "$3"/weights/partial/*`];
  const { stdout } = await promisify(execFile)(program, [...args, process.execPath, FETCHER, task, dir]);
  const lines = stdout.trim().split('\n');
  return { failed: lines.at(-2), kept: Number(lines.at(-1)) };
}

describe('A disk that refuses in the middle', () => {
  it.skipIf(!mayMount)('because it is full ends the download with that, and keeps what fitted (needs user namespaces)', async () => {
    const [files, dir] = [await server(content), await folder()];
    const { failed, kept } = await limited(dir, files.url, 'mount -t tmpfs -o size=2m tmpfs "$3"', ['unshare', '-rm']);
    expect(failed).toBe('{"failed":"disk-full"}');
    expect(kept).toBeGreaterThan(MIB);
    expect(files.arrived).toHaveLength(1);
  });

  it('because files may not grow further ends it with that, and keeps what fitted', async () => {
    const [files, dir] = [await server(content), await folder()];
    const { failed, kept } = await limited(dir, files.url, 'ulimit -f 4096');
    expect(failed).toBe('{"failed":"weights-store-unusable"}');
    expect(kept).toBe(2 * MIB);
    const { store } = await emptyStore({ dir: join(dir, 'weights') });
    await store.fetch(file, download(files.url), listener().io);
    expect(files.arrived[1]?.from).toBe(kept);
    await expectWhole(store, file, content);
  });

  it('is told in words', () => {
    const full = diskProblem('/w/partial/x', Object.assign(new Error('full'), { code: 'ENOSPC' })) as ProblemError;
    expect(full.problem).toEqual({
      severity: 'error',
      code: 'disk-full',
      summary: 'The disk filled up while weights were written to /w/partial/x. What was fetched so far is kept.',
      fix: 'Free some space, then run the command again: it goes on where it stopped. `llmops cache prune` removes what no stack needs any more; `llmops cache ls` shows what there is.',
    });
  });
});
