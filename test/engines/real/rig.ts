import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { makePlace, weights, type Ended } from '../../promises/stack.ts';
import { findServer } from '../llama-server.ts';
import { startCommand, type Running } from './command.ts';
import { killAll, processesWith, signal, type Seen } from './proc.ts';

// Machines that do other things at the same time are slow. Nothing here asserts how long something takes.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

/** Where clients of a model are sent. */
export interface Endpoint {
  readonly url: string;
  readonly instance: string;
}

/** A stack on this machine, worked on through the command line alone and looked at past it. */
export interface Rig {
  readonly dir: string;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Writes llmops.yaml: `models` as YAML in flow style by name; the rest of the file is the same for all. */
  declare(models: Readonly<Record<string, string>>, backend?: string): Promise<void>;
  llmops(...args: readonly string[]): Promise<Ended>;
  /** The same, for a command that must not fail: its output is the error if it does. */
  ok(...args: readonly string[]): Promise<string>;
  start(...args: readonly string[]): Running;
  /** As a client looks it up; null: there is none. */
  endpoint(model?: string): Endpoint | null;
  /** Every living process that carries a mark with this folder in it. */
  processes(): readonly Seen[];
  /** The engine of a model; fails unless there is exactly one. */
  engine(model?: string): Seen;
  /** Takes the stack down, and fails if that left a process. */
  end(): Promise<void>;
}

/** A backend entry in flow style: the real llama-server. */
export const LLAMA = `{ type: llama.cpp, engine: ${findServer()} }`;
/** The one that comes with llmops. */
export const EMBEDDED = '{ type: embedded }';

/** Makes a stack named `real` in a folder of its own, with the small models in it. */
export async function makeRig(options: { readonly files?: readonly string[] } = {}): Promise<Rig> {
  const place = await makePlace({ env: { PATH: `${dirname(findServer())}:${process.env['PATH'] ?? ''}` } });
  const { dir } = place;
  for (const name of options.files ?? ['F16', 'Q8_0']) copyFileSync(weights(name), join(dir, `desk-${name}.gguf`));
  const stateDir = join(dir, 'xdg-state', 'llmops', 'real');
  const env = {
    PATH: `${dirname(findServer())}:${process.env['PATH'] ?? ''}`,
    HOME: join(dir, 'home'),
    XDG_STATE_HOME: join(dir, 'xdg-state'),
    XDG_CACHE_HOME: join(dir, 'cache'),
  };
  const processes = () => processesWith(dir);
  const engines = (model: string) => processes().filter((seen) => seen.model === model);
  const commands: Running[] = [];
  const start = (...args: readonly string[]) => {
    const running = startCommand(['-C', dir, ...args], { env, cwd: dir });
    commands.push(running);
    return running;
  };
  const llmops = (...args: readonly string[]) => start(...args).ended;
  return {
    dir,
    stateDir,
    env,
    declare: (models, backend = LLAMA) => place.write('llmops.yaml', stackFile(models, backend)),
    llmops,
    ok: async (...args) => said(args, await llmops(...args)),
    start,
    endpoint: (model = 'desk') => endpointIn(stateDir, model),
    processes,
    engine: (model = 'desk') => only(model, engines(model)),
    async end() {
      for (const { pid, isOver } of commands) if (!isOver()) signal(pid, 'SIGKILL'); // a test that failed may have left it
      await Promise.all(commands.map(({ ended }) => ended));
      const down = existsSync(join(dir, 'llmops.yaml')) ? await llmops('down', '-y') : null;
      const left = processes();
      killAll(left);
      await place.remove();
      if (left.length > 0)
        throw new Error(
          `Left after down: ${left.map(({ pid, args }) => `${pid} ${args.join(' ')}`).join('\n')}\n${down?.stdout}${down?.stderr}`,
        );
    },
  };
}

function stackFile(models: Readonly<Record<string, string>>, backend: string): string {
  const lines = Object.entries(models).map(([name, rest]) => `  ${name}: { backend: local, ${rest} }`);
  return ['version: 1', 'name: real', `backends:\n  local: ${backend}`, lines.length === 0 ? 'models: {}' : 'models:', ...lines, ''].join(
    '\n',
  );
}

/** Text without the places where lines were broken. */
export function flat(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function said(args: readonly string[], { code, stdout, stderr }: Ended): string {
  if (code !== 0) throw new Error(`llmops ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

function endpointIn(stateDir: string, model: string): Endpoint | null {
  const path = join(stateDir, 'endpoints.json');
  if (!existsSync(path)) return null;
  const { models } = JSON.parse(readFileSync(path, 'utf8')) as { readonly models: Readonly<Record<string, Endpoint>> };
  return models[model] ?? null;
}

function only(model: string, engines: readonly Seen[]): Seen {
  const [engine] = engines;
  if (engine === undefined || engines.length > 1)
    throw new Error(`${engines.length} processes of ${model}: ${engines.map(({ pid }) => pid).join(', ')}`);
  return engine;
}
