import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** Environment variables as a process gets them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What a short program said before it ended by itself. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** More output than this is cut off: no program that is asked for its version has more to say. */
const OUTPUT_LIMIT = 256 * 1024;

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

/**
 * Runs a program that should end at once. Null: it could not be started, or was still running after `deadlineMs`; then
 * its whole process group has been killed. Settles by the deadline even if a grandchild holds the pipes open.
 */
export function ask(
  file: string,
  args: readonly string[],
  env: Env,
  options: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<Said | null> {
  return new Promise((resolve) => {
    if (options.signal.aborted) return resolve(null);
    const child = spawn(file, args, { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => (said[name] = (said[name] + chunk).slice(0, OUTPUT_LIMIT)));
    }
    const giveUp = (): void => {
      killGroup(child.pid);
      settle(null);
    };
    const timer = setTimeout(giveUp, options.deadlineMs);
    options.signal.addEventListener('abort', giveUp, { once: true });
    child.on('error', () => settle(null));
    child.on('close', (code) => settle({ code, ...said }));
    function settle(result: Said | null): void {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', giveUp);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(result);
    }
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the meantime.
  }
}
