import fc from 'fast-check';
import { chmod, lstat, readFile, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { weightsDigest, type RemoteFile } from '../../src/domain/weights.ts';
import type { Store } from '../../src/store/index.ts';
import { fileOf, seededBytes, sha256 } from './file-server.ts';
import { download, emptyStore, expectWhole, folder, listener, server } from './shelf.ts';

const parts = [1, 2].map((seed) => seededBytes(5000 + seed, seed));
const files = parts.map((part, index) => fileOf(part, `Q4_K_M/desk-0000${index + 1}-of-00002.gguf`));
const [first, second] = files as [RemoteFile, RemoteFile];

async function bring(store: Store, contents: readonly Buffer[] = parts): Promise<void> {
  for (const content of contents) {
    const from = await server(content);
    await store.fetch(fileOf(content), download(from.url), listener().io);
  }
}

const reading = { signal: new AbortController().signal };

describe('The place of weights', () => {
  it('is known before they are fetched: a folder of their digest, with the names of the files side by side', async () => {
    const { store, dir } = await emptyStore();
    const digest = weightsDigest(files, (text) => sha256(Buffer.from(text)));
    expect(store.pathOf(files)).toBe(join(dir, 'sets', digest, 'desk-00001-of-00002.gguf'));
    expect(store.pathOf([first])).toBe(join(dir, 'sets', first.sha256, 'desk-00001-of-00002.gguf'));
    await expect(lstat(dir)).rejects.toThrow('ENOENT');
  });

  it.each([
    ['..', 'no name'],
    ['a/..', 'no name'],
    ['', 'no name'],
    ['a\nb.gguf', 'no name'],
    ['a\\b.gguf', 'no name'],
    ['x'.repeat(300), 'no name'],
  ])('refuses the name %j', async (path, reason) => {
    const { store } = await emptyStore();
    expect(() => store.pathOf([{ ...first, path }])).toThrow(reason);
  });

  it('refuses a digest that leads elsewhere, sizes that cannot be, and two files of one name', async () => {
    const { store } = await emptyStore();
    const bad = { problem: { code: 'weights-bad-name' } };
    await expect(store.find({ ...first, sha256: '../../../etc/passwd' })).rejects.toMatchObject(bad);
    await expect(store.find({ ...first, bytes: -1 })).rejects.toMatchObject(bad);
    expect(() => store.pathOf([first, { ...second, path: first.path }])).toThrow('are called "desk-00001-of-00002.gguf"');
  });

  it('never leaves the folder, whatever the names are', async () => {
    const { store, dir } = await emptyStore();
    fc.assert(
      fc.property(fc.string(), (path) => {
        let place: string;
        try {
          place = store.pathOf([{ ...first, path }]);
        } catch (error) {
          expect(error).toMatchObject({ problem: { code: 'weights-bad-name' } });
          return;
        }
        expect(dirname(place)).toBe(join(dir, 'sets', first.sha256));
        expect(basename(place)).not.toBe('');
      }),
    );
  });
});

describe('Linking', () => {
  it('makes the place true, for parts side by side, as often as one likes', async () => {
    const { store } = await emptyStore();
    await bring(store);
    for (const _ of [1, 2]) {
      const path = await store.link(files);
      expect(path).toBe(store.pathOf(files));
      expect((await readdir(dirname(path))).sort()).toEqual(['desk-00001-of-00002.gguf', 'desk-00002-of-00002.gguf']);
      for (const [index, name] of (await readdir(dirname(path))).sort().entries()) {
        expect((await readFile(join(dirname(path), name))).equals(parts[index]!)).toBe(true);
      }
    }
  });

  it('mends links that lead nowhere, or elsewhere', async () => {
    const { store } = await emptyStore();
    await bring(store);
    const path = await store.link(files);
    await rm(path);
    await symlink('/nowhere', path);
    expect((await readFile(await store.link(files))).equals(parts[0]!)).toBe(true);
  });

  it('holds when the cache is moved as a whole', async () => {
    const { store, dir } = await emptyStore();
    await bring(store);
    const path = await store.link(files);
    await rename(dir, `${dir}-moved`);
    expect((await readFile(path.replace(dir, `${dir}-moved`))).equals(parts[0]!)).toBe(true);
  });

  it('of weights that are not here says so', async () => {
    const { store } = await emptyStore();
    await bring(store, [parts[0]!]);
    await expect(store.link(files)).rejects.toMatchObject({
      problem: { code: 'weights-not-here', summary: expect.stringContaining('desk-00002-of-00002.gguf') as string },
    });
  });

  it('by many at once is the same as by one', async () => {
    const { store } = await emptyStore();
    await bring(store);
    const paths = await Promise.all(Array.from({ length: 20 }, () => store.link(files)));
    expect(new Set(paths).size).toBe(1);
    expect((await readFile(paths[0]!)).equals(parts[0]!)).toBe(true);
  });

  it('goes on while others remove', async () => {
    const { store } = await emptyStore();
    await bring(store);
    const linking = Array.from({ length: 30 }, () => store.link([first]));
    const removing = Array.from({ length: 30 }, () => store.remove([second.sha256]));
    await Promise.all([...linking, ...removing]);
    expect((await readFile(await store.link([first]))).equals(parts[0]!)).toBe(true);
  });
});

describe('The list of the store', () => {
  it('tells size, names and last use of what is whole, and what was cut off', async () => {
    const { store, dir } = await emptyStore();
    expect(await store.list()).toEqual([]);
    await bring(store);
    await writeFile(join(dir, 'partial', 'f'.repeat(64)), 'abc');
    const before = Date.now();
    await store.link([{ ...first, path: 'other-name.gguf' }]);
    await store.link(files);
    const list = await store.list();
    expect(list.map(({ key }) => key)).toEqual([first.sha256, second.sha256, 'f'.repeat(64)].sort());
    expect(list.find(({ key }) => key === first.sha256)).toMatchObject({
      sha256: first.sha256,
      bytes: 5001,
      names: ['desk-00001-of-00002.gguf', 'other-name.gguf'],
      state: 'whole',
    });
    expect(list.find(({ key }) => key === first.sha256)?.lastUsed).toBeGreaterThanOrEqual(before - 1000);
    expect(list.find(({ key }) => key === 'f'.repeat(64))).toMatchObject({ bytes: 3, names: [], state: 'partial' });
  });

  it('knows from the last link when something was used, and does not touch the file for that', async () => {
    const { store, dir } = await emptyStore();
    await bring(store, [parts[0]!]);
    const facts = () => stat(join(dir, 'blobs', first.sha256), { bigint: true });
    const before = await facts();
    await store.link([first]);
    const early = (await store.list())[0]?.lastUsed ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.link([first]);
    expect((await store.list())[0]?.lastUsed).toBeGreaterThan(early);
    expect((await facts()).ctimeNs).toBe(before.ctimeNs);
  });
});

describe('Removing', () => {
  it('frees the bytes, takes the links along, and leaves the rest', async () => {
    const { store, dir } = await emptyStore();
    await bring(store);
    await store.link(files);
    await store.link([second]);
    expect(await store.remove([first.sha256, first.sha256, 'nonsense', '../x'])).toBe(5001);
    expect(await store.find(first)).toBeNull();
    expect((await store.list()).map(({ key }) => key)).toEqual([second.sha256]);
    expect((await readdir(dirname(store.pathOf(files)))).length).toBe(1);
    expect(await store.remove([second.sha256])).toBe(5002);
    expect(await readdir(join(dir, 'sets'))).toEqual([]);
  });

  it('leaves the bytes to those who have the file open', async () => {
    const { store } = await emptyStore();
    await bring(store, [parts[0]!]);
    const { open } = await import('node:fs/promises');
    const engine = await open(await store.link([first]));
    await store.remove([first.sha256]);
    expect((await engine.readFile()).equals(parts[0]!)).toBe(true);
    await engine.close();
  });
});

describe('Verifying', () => {
  it('sets a file that rotted aside, so that it is fetched again, and leaves good ones', async () => {
    const { store, dir } = await emptyStore();
    await bring(store);
    const rotten = join(dir, 'blobs', first.sha256);
    await chmod(rotten, 0o600);
    await writeFile(rotten, Buffer.alloc(5001));
    const progress: number[] = [];
    const found = await store.verify({ ...reading, progress: (done) => void progress.push(done) });
    expect(found.find(({ sha256: digest }) => digest === first.sha256)).toEqual({
      sha256: first.sha256,
      bytes: 5001,
      ok: false,
      actual: sha256(Buffer.alloc(5001)),
    });
    expect(found.find(({ sha256: digest }) => digest === second.sha256)?.ok).toBe(true);
    expect(progress.at(-1)).toBe(10_003);
    expect(await store.find(first)).toBeNull();
    expect((await store.list()).find(({ key }) => key === first.sha256)?.state).toBe('damaged');
    await bring(store);
    await expectWhole(store, first, parts[0]!);
    expect(await store.remove([first.sha256])).toBe(2 * 5001);
  });

  it('stops when a person says so', async () => {
    const { store } = await emptyStore();
    await bring(store, [parts[0]!]);
    await expect(store.verify({ signal: AbortSignal.abort() })).rejects.toMatchObject({ problem: { code: 'cancelled' } });
  });
});

describe('The folder of the store', () => {
  it("is nobody else's business", async () => {
    const { store, dir } = await emptyStore();
    await bring(store, [parts[0]!]);
    await store.link([first]);
    for (const name of ['', 'blobs', 'partial', 'locks', 'sets']) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(dir, 'partial'))).toEqual([]);
    expect((await readlink(store.pathOf([first]))).startsWith('../../blobs/')).toBe(true);
  });

  it('that cannot be is told with a way out', async () => {
    const file = join(await folder(), 'a-file');
    await writeFile(file, '');
    const { store } = await emptyStore({ dir: join(file, 'weights') });
    const from = await server(parts[0]!);
    await expect(store.fetch(first, download(from.url), listener().io)).rejects.toMatchObject({
      problem: { code: 'weights-store-unusable', fix: expect.stringContaining('XDG_CACHE_HOME') as string },
    });
    expect(await store.list()).toEqual([]);
  });

  it('whose file has another size than it should is fetched anew', async () => {
    const { store, dir } = await emptyStore();
    await bring(store, [parts[0]!]);
    await chmod(join(dir, 'blobs', first.sha256), 0o600);
    await writeFile(join(dir, 'blobs', first.sha256), 'cut');
    expect(await store.find(first)).toBeNull();
    await bring(store, [parts[0]!]);
    await expectWhole(store, first, parts[0]!);
  });
});
