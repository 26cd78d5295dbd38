import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { askProgram, type Answer } from '../programs/index.ts';

/** Environment variables as a process gets them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** More output than this is cut off: no program that is asked for its version has more to say. */
const LIMIT_BYTES = 256 * 1024;

/** Absolute path of the first executable file called `name` on PATH; null: there is none. Relative PATH entries are not trusted. */
export async function findProgram(name: string, env: Env): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter((entry) => isAbsolute(entry))) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return null;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Asks a program that should end at once. Null: it could not be started, or was still running after `deadlineMs`. */
export async function ask(
  file: string,
  args: readonly string[],
  env: Env,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<Answer | null> {
  const answer = await askProgram({ file, args, env, deadlineMs, limitBytes: LIMIT_BYTES, signal });
  return answer.how === 'ended' || answer.how === 'too-much' ? answer : null;
}
