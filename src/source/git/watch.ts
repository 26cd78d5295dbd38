import { join } from 'node:path';
import type { Watching } from '../types.ts';

/** What a poll may be earlier or later by, as a part of the pause: many machines should not ask one server at once. */
const JITTER = 0.2;

/** What to watch. */
export interface Watched {
  readonly pollMs: number;
  /** From 0 to 1. */
  readonly jitter: () => number;
  /** The folder of a repository on this machine, `.git`; null: it lies elsewhere, so that asking is the only way. */
  readonly gitDir: string | null;
  readonly branch: string;
}

/**
 * Calls back with every poll, without asking the remote itself: a look costs one small question as long as nothing is new. Where the
 * remote is a folder of this machine, also when something wrote its branches.
 */
export async function watchBranch({ pollMs, jitter, gitDir, branch }: Watched, changed: () => void): Promise<Watching> {
  let isClosed = false;
  const tell = (): void => {
    if (!isClosed) changed();
  };
  const poll = polling(pollMs, jitter, tell);
  const closeFiles = gitDir === null ? null : await watchFiles(refsOf(gitDir, branch), tell);
  return {
    async close() {
      isClosed = true;
      poll();
      await closeFiles?.();
    },
  };
}

/** Calls back every `pollMs`, a fifth more or less. Gives what ends it. */
export function polling(pollMs: number, jitter: () => number, tell: () => void): () => void {
  let timer: NodeJS.Timeout;
  const next = (): void => {
    timer = setTimeout(
      () => {
        next();
        tell();
      },
      pollMs * (1 + JITTER * (2 * jitter() - 1)),
    );
    timer.unref();
  };
  next();
  return () => clearTimeout(timer);
}

/** Where git keeps what a branch is at: a file of its own, one for all, or the tables of newer repositories. */
function refsOf(gitDir: string, branch: string): readonly string[] {
  return [join(gitDir, 'refs/heads', branch), join(gitDir, 'packed-refs'), join(gitDir, 'reftable/tables.list')];
}

/** A folder that cannot be watched is polled like any other remote. */
async function watchFiles(files: readonly string[], tell: () => void): Promise<() => Promise<void>> {
  const { watch } = await import('chokidar');
  const watcher = watch([...files], { ignoreInitial: true, persistent: false });
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', () => resolve());
    watcher.on('error', () => resolve());
  });
  watcher.on('all', tell);
  await ready;
  return () => watcher.close();
}
