import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { RemoteFile } from '../../src/domain/weights.ts';
import { openStore, type Download, type FetchIo, type Store, type StoreOptions, type Tuning } from '../../src/store/index.ts';
import { startFileServer, type Behaviour, type FileServer } from './file-server.ts';

/** Impatient: tests wait for the thing, and the thing must not take seconds. */
export const QUICK: Partial<Tuning> = { firstPauseMs: 1, longestPauseMs: 20, lockPollMs: 10, stallMs: 20_000, reserveBytes: 0 };

/** A folder that goes when the test is over. */
export async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'llmops-store-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** An empty store in a folder of its own. */
export async function emptyStore(options: Partial<StoreOptions> = {}): Promise<{ readonly store: Store; readonly dir: string }> {
  const dir = options.dir ?? join(await folder(), 'weights');
  return { store: openStore({ env: {}, ...options, dir, tuning: { ...QUICK, ...options.tuning } }), dir };
}

/** A server that goes when the test is over. */
export async function server(...args: Parameters<typeof startFileServer>): Promise<FileServer> {
  const started = await startFileServer(...args);
  onTestFinished(() => started.close());
  return started;
}

export interface Told {
  readonly io: FetchIo;
  readonly notes: string[];
  readonly progress: (readonly [done: number, total: number])[];
}

/** Keeps what people are told. */
export function listener(signal: AbortSignal = new AbortController().signal): Told {
  const notes: string[] = [];
  const progress: (readonly [number, number])[] = [];
  const io: FetchIo = { signal, progress: (done, total) => void progress.push([done, total]), note: (message) => void notes.push(message) };
  return { io, notes, progress };
}

export function download(url: string, more: Partial<Download> = {}): Download {
  return { url, headers: {}, what: 'hf:desk/tiny@1a2b3c4 file.gguf', ...more };
}

/** Fetches one file from a server that behaves so, into a store of its own. */
export async function attempt(
  content: Buffer,
  file: RemoteFile,
  behave: Behaviour,
  more: { download?: Partial<Download>; options?: Partial<StoreOptions> } = {},
) {
  const [{ store, dir }, files] = [await emptyStore(more.options), await server(content, behave)];
  const told = listener();
  const error: unknown = await store.fetch(file, download(files.url, more.download), told.io).then(
    () => null,
    (caught: unknown) => caught,
  );
  return { store, dir, files, error, ...told };
}

/** The store has this file, whole, with these bytes, for its owner alone and read-only. */
export async function expectWhole(store: Store, file: RemoteFile, content: Buffer): Promise<void> {
  const path = await store.find(file);
  expect(path).not.toBeNull();
  expect((await readFile(path ?? '')).equals(content)).toBe(true);
  expect((await stat(path ?? '')).mode & 0o777).toBe(0o400);
}
