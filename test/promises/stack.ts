import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Weights that come with this repository. */
export const weights = (quantization: string): string => join(root, 'examples/models', `desk-${quantization}.gguf`);

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs as a process of its own. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves as soon as what it wrote on a stream, stderr if not named, contains the text. */
  until(text: string, stream?: 'stdout' | 'stderr'): Promise<void>;
  /** Stops reading its stdout, as `head` does. */
  leave(): void;
}

/** A folder of its own with state, cache and llmops.yaml in it, and a way to run the real command line there. */
export interface Place {
  readonly dir: string;
  readonly stateDir: string;
  write(name: string, text: string): Promise<void>;
  /** Runs llmops as a process; `main` is the program's entry, bin/llmops if not given. */
  llmops(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** The same, without waiting for its end. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Running;
  remove(): Promise<void>;
}

export interface PlaceOptions {
  /** Another entry than the program's own, such as the world's. */
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Set for every command, as umask(1) takes it. */
  readonly umask?: string;
}

/** Makes a place. */
export async function makePlace(options: PlaceOptions = {}): Promise<Place> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'llmops-place-')));
  const stateDir = join(dir, 'state');
  const main = options.main ?? join(root, 'src/main.ts');
  const surroundings = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(dir, 'home'),
    XDG_STATE_HOME: join(dir, 'xdg-state'),
    XDG_CACHE_HOME: join(dir, 'cache'),
    ...options.env,
  };
  await mkdir(join(dir, 'home'), { recursive: true });
  const under = options.umask === undefined ? [] : ['/bin/sh', '-c', `umask ${options.umask}; exec "$0" "$@"`];
  const start: Place['start'] = (args, env) => {
    const [file = '', ...words] = [...under, process.execPath, '--disable-warning=ExperimentalWarning', main, '-C', dir, ...args];
    return run(file, words, { ...surroundings, ...env }, dir);
  };
  return {
    dir,
    stateDir,
    write: (name, text) => writeFile(join(dir, name), text),
    llmops: (args, env) => start(args, env).ended,
    start,
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Running {
  const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    // As a shell tells of one that a signal ended.
    child.on('close', (code, signal) => resolve({ code: signal === null ? code : 128 + constants.signals[signal], stdout, stderr }));
  });
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const until: Running['until'] = (text, stream = 'stderr') =>
    new Promise((resolve, reject) => {
      const look = (): void => void ((stream === 'stdout' ? stdout : stderr).includes(text) && resolve());
      child[stream].on('data', look);
      child.on('close', () => reject(new Error(`it ended without saying ${JSON.stringify(text)}:\n${stdout}${stderr}`)));
      look();
    });
  return { pid: child.pid ?? 0, ended, kill: (signal) => void child.kill(signal), until, leave: () => void child.stdout.destroy() };
}
