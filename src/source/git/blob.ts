import { MirrorDamaged } from './mirror.ts';
import type { Env } from './environment.ts';

const SILENT_MS = 10_000;

/**
 * The bytes of a file in a repository, as they are: no filter, no end of line is changed. The size was looked at before. Throws
 * MirrorDamaged.
 */
export async function blobOf(gitDir: string, id: string, env: Env): Promise<Buffer> {
  // 25 ms, which nobody else should pay.
  const { simpleGit } = await import('simple-git');
  const git = simpleGit({
    baseDir: gitDir,
    timeout: { block: SILENT_MS },
    allowEnvironment: ['GIT_CONFIG_NOSYSTEM', 'GIT_NO_REPLACE_OBJECTS'],
  });
  // Nobody's configuration is needed to read what is ours, so none is read.
  const bare = { PATH: env['PATH'] ?? '', HOME: gitDir, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1', GIT_NO_REPLACE_OBJECTS: '1' };
  try {
    return (await git.env(bare).binaryCatFile(['blob', id])) as Buffer;
  } catch (error) {
    throw new MirrorDamaged('a file in it cannot be read', { cause: error });
  }
}
