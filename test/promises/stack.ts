import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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

/** A folder of its own with state, cache and llmops.yaml in it, and a way to run the real command line there. */
export interface Place {
  readonly dir: string;
  readonly stateDir: string;
  write(name: string, text: string): Promise<void>;
  /** Runs llmops as a process; `main` is the program's entry, bin/llmops if not given. */
  llmops(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  remove(): Promise<void>;
}

/** Makes a place. `main` names another entry than the program's own, such as the world's. */
export async function makePlace(options: { readonly main?: string; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Place> {
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
  return {
    dir,
    stateDir,
    write: (name, text) => writeFile(join(dir, name), text),
    llmops: (args, env) => run(process.execPath, ['--disable-warning=ExperimentalWarning', main, '-C', dir, ...args], { ...surroundings, ...env }, dir),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
