import { dirname, join, relative, resolve } from 'node:path';
import { pathsOf, takeSnapshot, type FileSet, type Snapshot } from './files/snapshot.ts';
import { stampOf } from './files/stamp.ts';
import { FileWatch } from './files/watch.ts';
import type { Revision, Source, SourceLook, Watching } from './types.ts';

/** Where the files are, and how they are watched. */
export interface FileSourceOptions {
  /** Absolute path of llmops.yaml. */
  readonly file: string;
  /** Absolute path of llmops.lock. */
  readonly lockFile: string;
  /** llmops.yaml as people know it. Absent: by its absolute path. */
  readonly shown?: string;
  /** How long it must be quiet before a change is told: editors and git write in bursts. */
  readonly settleMs?: number;
  /** How often the files are asked for, whether there was an event or not. */
  readonly rehashMs?: number;
  /** No events at all: for drives that tell of none. */
  readonly usePolling?: boolean;
}

/** Stack files that lie on this machine. */
export interface FileSource extends Source {
  /**
   * From now on these other files, by their absolute paths, belong to the state as well. True: they are others than before, so the
   * state that was seen last does not tell of them. Whoever looks again at once is not called for that.
   */
  follow(paths: readonly string[]): boolean;
}

const SETTLE_MS = 200;
const REHASH_MS = 3000;

/** A source of files as they lie on disk. Opens nothing before it is asked. */
export function openFileSource(options: FileSourceOptions): FileSource {
  return new Files(options);
}

class Files implements FileSource {
  readonly shown: string;
  readonly #options: FileSourceOptions;
  readonly #watches = new Set<FileWatch>();
  #files: FileSet;
  #last: { readonly id: string | null; readonly count: number } = { id: null, count: 0 };

  constructor(options: FileSourceOptions) {
    const { file, lockFile, shown = file } = options;
    this.shown = shown;
    this.#options = options;
    const lock = { file: lockFile, shown: join(dirname(shown), relative(dirname(file), lockFile)) };
    this.#files = { stack: { file, shown }, lock, followed: [] };
  }

  async look(signal: AbortSignal): Promise<SourceLook> {
    const snapshot = await takeSnapshot(this.#files, signal);
    signal.throwIfAborted();
    this.#last = { id: snapshot.id, count: this.#last.count + 1 };
    if (snapshot.problem !== null) return { kind: 'unavailable', problem: snapshot.problem };
    return { kind: 'found', revision: revisionOf(snapshot, dirname(this.#files.stack.file)) };
  }

  follow(paths: readonly string[]): boolean {
    const followed = [...new Set(paths)].sort();
    if (followed.join('\0') === this.#files.followed.join('\0')) return false;
    this.#files = { ...this.#files, followed };
    for (const watch of this.#watches) watch.moved();
    return true;
  }

  async watch(changed: () => void): Promise<Watching> {
    const { settleMs = SETTLE_MS, rehashMs = REHASH_MS, usePolling = false } = this.#options;
    const watched = {
      paths: () => pathsOf(this.#files),
      stamp: async () => (await stampOf(pathsOf(this.#files))).key,
      snapshot: (signal: AbortSignal) => takeSnapshot(this.#files, signal),
      lastLook: () => this.#last,
    };
    const watch = new FileWatch(watched, changed, { settleMs, rehashMs, usePolling });
    this.#watches.add(watch);
    await watch.start();
    return {
      close: async () => {
        this.#watches.delete(watch);
        await watch.close();
      },
    };
  }
}

function revisionOf({ id, text, lock, followed }: Extract<Snapshot, { problem: null }>, folder: string): Revision {
  const read = (path: string): Promise<Uint8Array | null> => Promise.resolve(followed.get(resolve(folder, path)) ?? null);
  return { id, commit: null, about: null, text, lock, read };
}
