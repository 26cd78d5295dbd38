import { join } from 'node:path';
import { openFileSource } from '../source/files.ts';
import { openGitSource } from '../source/git/index.ts';
import type { Source } from '../source/types.ts';
import { lockPathOf } from '../stack/paths.ts';
import type { Session } from '../stack/session.ts';
import type { CliContext } from './context.ts';

/** What a daemon of this stack follows: the branch that `daemon.git` names, or the file as it lies on disk. */
export async function sourceFor({ paths, desired, stateDir }: Session, { env }: CliContext): Promise<Source> {
  const git = desired.daemon?.git;
  if (!git) return openFileSource({ file: paths.file, lockFile: lockPathOf(paths.file), shown: paths.shown });
  return openGitSource({ file: paths.file, git, mirrorDir: join(stateDir, 'source'), env, jitter: Math.random });
}
