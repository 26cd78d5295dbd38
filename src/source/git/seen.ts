import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Which commit of a branch was found good last, for the process that comes after this one. */
export interface SeenNote {
  /** null: none yet, or of another branch. */
  read(): Promise<string | null>;
  /** Throws what the file system throws. */
  write(commit: string): Promise<void>;
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Kept beside the mirror, which may hold a newer commit that was refused: whoever rewrites a branch while no daemon runs is to be
 * found out all the same. `shown`: the branch and its remote, without a secret.
 */
export function seenNote(mirrorDir: string, shown: string): SeenNote {
  const path = join(mirrorDir, 'seen');
  return {
    async read() {
      const [commit = '', of] = (await readFile(path, 'utf8').catch(() => '')).split('\n');
      return of === shown && COMMIT.test(commit) ? commit : null;
    },
    async write(commit) {
      await writeFile(`${path}.draft`, `${commit}\n${shown}\n`, { mode: 0o600, flush: true });
      await rename(`${path}.draft`, path);
    },
  };
}
