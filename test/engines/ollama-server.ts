import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../src/backends/kit/ports.ts';
import { parseDerived } from '../../src/backends/ollama/names.ts';
import { OLLAMA } from '../../src/backends/ollama/fake/conformance.ts';
import { eventually, type Conformance, type EngineServer } from '../contract/world.ts';

/** Path of the real program. Without it the tests here prove nothing, so they fail. */
export function findOllama(): string {
  const places = [process.env['LLMOPS_OLLAMA'] ?? '', resolve(import.meta.dirname, '../../.engines/ollama/bin/ollama')];
  const found = places.find((path) => path !== '' && existsSync(path));
  if (found === undefined)
    throw new Error('There is no Ollama: set LLMOPS_OLLAMA to its path, or run `npm run test:engines`, which builds one.');
  return found;
}

/** A real Ollama of its own, with a folder of its own. */
export interface RealOllama extends EngineServer {
  readonly url: string;
  readonly pid: number;
  readonly models: string;
  log(): string;
  /** Ends it and starts it anew on the same port and folder, with these variables besides its own. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
}

/** Without a GPU an RPC-capable runner says that it offloaded everything unless it is told not to. */
const CPU = { LLAMA_ARG_N_GPU_LAYERS: '0' };

/** Starts an Ollama and waits until it answers. `env` replaces the settings for a machine without a GPU. */
export async function startOllama(env: Readonly<Record<string, string>> = CPU): Promise<RealOllama> {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-ollama-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const models = join(dir, 'models');
  const logFile = join(dir, 'log');
  mkdirSync(models);
  const launch = async (more: Readonly<Record<string, string>>) => {
    const log = createWriteStream(logFile, { flags: 'a' });
    await once(log, 'open');
    const own = { HOME: dir, OLLAMA_MODELS: models, OLLAMA_HOST: `127.0.0.1:${port}`, OLLAMA_NO_CLOUD: '1' };
    const child = spawn(findOllama(), ['serve'], { stdio: ['ignore', log, log], env: { PATH: process.env['PATH'], ...own, ...more } });
    log.close();
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`Ollama ended at once:\n${readFileSync(logFile, 'utf8')}`);
      return fetch(`${url}/api/version`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
    return child;
  };
  let child = await launch(env);
  const end = async () => {
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    child.kill('SIGCONT');
    child.kill('SIGTERM'); // SIGKILL would leave its runners behind
    await gone;
  };
  return {
    url,
    models,
    options: { url },
    get pid() {
      return child.pid ?? 0;
    },
    log: () => readFileSync(logFile, 'utf8'),
    async copies() {
      const { models: tags } = (await (await fetch(`${url}/api/tags`)).json()) as { models: { name: string }[] };
      return tags.map(({ name }) => name).filter((name) => parseDerived(name) !== null);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restart(more = env) {
      await end();
      child = await launch(more);
    },
    async end() {
      await end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Weights that come with this repository. */
export const WEIGHTS = resolve(import.meta.dirname, '../../examples/models');

/** The suite, played by the real server. */
export const realOllama: Conformance = {
  ...OLLAMA,
  name: 'ollama (real server)',
  server: () => startOllama(),
  weights: () => join(WEIGHTS, 'desk-Q4_K_M.gguf'),
  otherWeights: () => join(WEIGHTS, 'desk-Q2_K.gguf'),
  /** Ollama takes weights of an architecture that it does not know, and cannot load them. */
  damagedWeights(dir) {
    const path = join(dir, 'damaged.gguf');
    if (existsSync(path)) return path;
    const bytes = readFileSync(join(WEIGHTS, 'desk-Q4_K_M.gguf'));
    bytes.write('llamx', bytes.indexOf('general.architecture') + 'general.architecture'.length + 12);
    writeFileSync(path, bytes);
    return path;
  },
};
