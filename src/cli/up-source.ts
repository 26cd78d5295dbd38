import { openFileSource } from '../source/files.ts';
import type { Source } from '../source/types.ts';
import { lockPathOf } from '../stack/paths.ts';
import type { Session } from '../stack/session.ts';
import type { CliContext } from './context.ts';

/** What a daemon of this stack follows: its file. */
export async function sourceFor({ paths }: Session, _context: CliContext): Promise<Source> {
  return openFileSource({ file: paths.file, lockFile: lockPathOf(paths.file), shown: paths.shown });
}
