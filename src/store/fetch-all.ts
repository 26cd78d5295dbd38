import { mapBounded } from '../domain/bounded.ts';
import type { RemoteFile } from '../domain/weights.ts';
import { LANES } from './tuning.ts';
import type { Download, FetchIo, Store } from './types.ts';

/** One file to bring here, and where from. */
export interface Wanted {
  readonly file: RemoteFile;
  readonly download: Download;
}

/** How far all of it is. Bytes. */
export interface FetchProgress {
  /** The file that just got on. */
  readonly file: RemoteFile;
  readonly done: number;
  readonly total: number;
  /** Over all files, those that were here already among them. */
  readonly allDone: number;
  readonly allTotal: number;
}

/** As for one file; `progress` tells of one and of all. */
export interface FetchAllIo extends Pick<FetchIo, 'signal' | 'note'> {
  progress(progress: FetchProgress): void;
}

/**
 * Fetches several files, a few at once, each content once. Room for all of them is kept first. The first one that fails
 * stops the others, and its ProblemError is thrown; what was fetched is kept.
 */
export async function fetchAll(store: Store, wanted: readonly Wanted[], io: FetchAllIo): Promise<void> {
  const each = [...new Map(wanted.map((one) => [one.file.sha256, one])).values()];
  const giveBack = await store.claimRoom(each.map(({ file }) => file));
  await fetchEach(store, each, io).finally(giveBack);
}

async function fetchEach(store: Store, each: readonly Wanted[], io: FetchAllIo): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([io.signal, failed.signal]);
  const tell = telling(each, io);
  let first: { readonly error: unknown } | null = null;
  await mapBounded(each, LANES, async ({ file, download }) => {
    if (first) return;
    try {
      const note = io.note ? { note: (message: string) => io.note?.(message) } : {};
      await store.fetch(file, download, { signal, progress: (done, total) => tell(file, done, total), ...note });
    } catch (error) {
      first ??= { error };
      failed.abort(error);
    }
  });
  if (first) throw (first as { readonly error: unknown }).error;
}

function telling(each: readonly Wanted[], io: FetchAllIo): (file: RemoteFile, done: number, total: number) => void {
  const done = new Map(each.map(({ file }) => [file.sha256, 0]));
  const allTotal = each.reduce((sum, { file }) => sum + file.bytes, 0);
  let allDone = 0;
  return (file, now, total) => {
    allDone += now - (done.get(file.sha256) ?? 0);
    done.set(file.sha256, now);
    io.progress({ file, done: now, total, allDone, allTotal });
  };
}
