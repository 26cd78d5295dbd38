import { mkdir, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileOf, seededBytes } from './file-server.ts';
import { download, emptyStore, folder, listener, server } from './shelf.ts';

const content = seededBytes(8000, 21);
const file = fileOf(content, 'Qwen3-8B-Q4_K_M.gguf');

/** Puts a file there as another program would. */
async function put(path: string, bytes: Buffer = content): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

const BLOB = join('models--Qwen--Qwen3-8B-GGUF', 'blobs', file.sha256);

describe('Weights in the cache of another program', () => {
  it.each<readonly [string, (root: string) => readonly [env: Record<string, string>, path: string]]>([
    ['HF_HUB_CACHE', (root) => [{ HF_HUB_CACHE: root }, join(root, BLOB)]],
    ['HF_HOME', (root) => [{ HF_HOME: root }, join(root, 'hub', BLOB)]],
    ['XDG_CACHE_HOME', (root) => [{ XDG_CACHE_HOME: root }, join(root, 'huggingface/hub', BLOB)]],
    ['HOME', (root) => [{ HOME: root }, join(root, '.cache/huggingface/hub', BLOB)]],
    ['LLAMA_CACHE, which llama.cpp fills as the Hub does', (root) => [{ LLAMA_CACHE: root }, join(root, BLOB)]],
    ['LLAMA_CACHE, which older builds fill flat', (root) => [{ LLAMA_CACHE: root }, join(root, 'Qwen_Qwen3-8B-GGUF_Qwen3-8B-Q4_K_M.gguf')]],
    ['XDG_CACHE_HOME, of older llama.cpp', (root) => [{ XDG_CACHE_HOME: root }, join(root, 'llama.cpp/any-name.gguf')]],
    ['HOME, of older llama.cpp', (root) => [{ HOME: root }, join(root, '.cache/llama.cpp/any-name.gguf')]],
    ['HOME, of older llama.cpp on macOS', (root) => [{ HOME: root }, join(root, 'Library/Caches/llama.cpp/any-name.gguf')]],
  ])('that %s names are used in place', async (_, where) => {
    const [env, path] = where(await folder());
    await put(path);
    const { store, dir } = await emptyStore({ env });
    expect(await store.find(file)).toBe(path);
    const files = await server(content);
    await store.fetch(file, download(files.url), listener().io);
    expect(files.arrived).toEqual([]);
    expect(await readdir(dir)).not.toContain('locks'); // what is here can be had from a folder that may not be written to
    expect(await readlink(await store.link([file]))).toBe(path);
    expect(await store.list()).toEqual([]);
    await store.remove([file.sha256]);
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(await readdir(dir)).not.toContain('blobs');
  });

  it('are hashed once, and known until they are touched', async () => {
    const root = await folder();
    const path = await put(join(root, BLOB));
    const { store, dir } = await emptyStore({ env: { HF_HUB_CACHE: root } });
    // A file that was written a moment ago is not remembered: it may be written again in the same tick of the clock.
    const entries = () => readdir(join(dir, 'seen')).catch(() => []);
    for (; (await entries()).length === 0; await store.find(file));
    const entry = join(dir, 'seen', (await entries())[0] ?? '');
    // Whoever hashed the file again would not believe this.
    await writeFile(entry, (await readFile(entry, 'utf8')).replace(file.sha256, '0'.repeat(64)));
    expect(await store.find(file)).toBeNull();
    await utimes(path, 1000, 1000);
    expect(await store.find(file)).toBe(path);
  });

  it('are not believed for their name: the content is what counts', async () => {
    const root = await folder();
    const path = await put(join(root, BLOB), seededBytes(8000, 22));
    const { store } = await emptyStore({ env: { HF_HUB_CACHE: root } });
    expect(await store.find(file)).toBeNull();
    await writeFile(path, content);
    expect(await store.find(file)).toBe(path);
  });

  it('are no longer told once they are gone or of another size, and links to them are mended', async () => {
    const root = await folder();
    const path = await put(join(root, BLOB));
    const { store } = await emptyStore({ env: { HF_HUB_CACHE: root } });
    const linked = await store.link([file]);
    await rm(path);
    expect(await store.find(file)).toBeNull();
    const files = await server(content);
    await store.fetch(file, download(files.url), listener().io);
    expect(await store.link([file])).toBe(linked);
    expect((await readFile(linked)).equals(content)).toBe(true);
  });

  it('are looked for in a moment among hundreds, and what cannot be read is passed over', async () => {
    const root = await folder();
    for (let n = 0; n < 300; n += 1) await mkdir(join(root, `models--a--b${n}`, 'blobs'), { recursive: true });
    await symlink('/nowhere', join(root, 'models--a--b7/blobs', file.sha256));
    await mkdir(join(root, 'models--a--b8/blobs', file.sha256));
    await writeFile(join(root, 'models--a--b9'), 'no folder').catch(() => undefined);
    const { store } = await emptyStore({ env: { HF_HUB_CACHE: root } });
    expect(await store.find(file)).toBeNull();
  });
});
