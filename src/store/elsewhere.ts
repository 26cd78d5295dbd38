import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RemoteFile } from '../domain/weights.ts';
import type { Context } from './context.ts';
import { sizeOf } from './disk.ts';
import { digestElsewhere } from './remembered.ts';
import type { ReadIo } from './types.ts';

/** A file with this content in another program's cache; null: there is none. Throws `cancelled`. */
export async function findElsewhere(context: Context, file: RemoteFile, io: ReadIo): Promise<string | null> {
  if (file.bytes === 0) return null;
  for (const candidates of [hubBlobs, flatFiles]) {
    for (const path of await candidates(context.env, file)) {
      if ((await digestElsewhere(context, path, io)) === file.sha256) return path;
    }
  }
  return null;
}

type Env = Context['env'];

/**
 * The Hugging Face cache, which llama.cpp has used too since 2026: `models--OWNER--REPO/blobs/<sha256>` for files of LFS,
 * which weights are. Its folder: https://huggingface.co/docs/huggingface_hub/guides/manage-cache; llama.cpp puts
 * LLAMA_CACHE before the others.
 */
async function hubBlobs(env: Env, file: RemoteFile): Promise<readonly string[]> {
  const home = env['HF_HOME'] || under(cacheHome(env), 'huggingface');
  const roots = unique([env['LLAMA_CACHE'], env['HF_HUB_CACHE'], env['HUGGINGFACE_HUB_CACHE'], under(home, 'hub')]);
  const repos = await Promise.all(roots.map(async (root) => (await names(root)).filter(isRepo).map((repo) => join(root, repo))));
  return await ofSize(
    repos.flat().map((repo) => join(repo, 'blobs', file.sha256)),
    file.bytes,
  );
}

function isRepo(name: string): boolean {
  return name.startsWith('models--');
}

/** The cache of older llama.cpp builds: `OWNER_REPO_FILE.gguf`, side by side in one folder. Only hashing tells which is which. */
async function flatFiles(env: Env, file: RemoteFile): Promise<readonly string[]> {
  const roots = unique([env['LLAMA_CACHE'], under(cacheHome(env), 'llama.cpp'), under(env['HOME'], 'Library/Caches/llama.cpp')]);
  const paths = await Promise.all(roots.map(async (root) => (await names(root)).filter(isGguf).map((name) => join(root, name))));
  return await ofSize(paths.flat(), file.bytes);
}

function isGguf(name: string): boolean {
  return /\.gguf$/i.test(name);
}

function cacheHome(env: Env): string | undefined {
  return env['XDG_CACHE_HOME'] || under(env['HOME'], '.cache');
}

function under(folder: string | undefined, name: string): string | undefined {
  return folder ? join(folder, name) : undefined;
}

function unique(paths: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(paths.filter((path) => path !== undefined && path !== ''))] as string[];
}

async function names(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function ofSize(paths: readonly string[], bytes: number): Promise<readonly string[]> {
  const sizes = await Promise.all(paths.map(sizeOf));
  return paths.filter((_, index) => sizes[index] === bytes);
}
