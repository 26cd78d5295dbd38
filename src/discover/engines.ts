import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ask, findProgram, type Env } from './program.ts';

/** How to ask: the surroundings, when to stop. */
export interface Asking {
  readonly env: Env;
  readonly signal: AbortSignal;
  /** For each program or server that is asked, in milliseconds. */
  readonly deadlineMs: number;
}

/** A program that serves models, on this machine. */
export interface FoundEngine {
  readonly name: 'llama-server' | 'node-llama-cpp' | 'ollama' | 'vllm';
  /** Path, package folder or URL. */
  readonly at: string;
  /** Null: it is there and did not tell. */
  readonly version: string | null;
}

/** Where Ollama listens unless OLLAMA_HOST says otherwise. Source: docs.ollama.com/faq. */
const OLLAMA_URL = 'http://127.0.0.1:11434';

/** llama-server on PATH. `version: 0.7.0 (build …)` stands on stderr in some builds and on stdout in others. */
export async function findLlamaServer(asking: Asking): Promise<FoundEngine | null> {
  return findOnPath('llama-server', /version:\s*(\S+)/, asking);
}

/** vLLM on PATH. Its `--version` loads PyTorch first and may well be too slow to wait for. */
export async function findVllm(asking: Asking): Promise<FoundEngine | null> {
  return findOnPath('vllm', /(\d+\.\d+\S*)/, asking);
}

async function findOnPath(name: 'llama-server' | 'vllm', pattern: RegExp, asking: Asking): Promise<FoundEngine | null> {
  const at = await findProgram(name, asking.env);
  if (!at) return null;
  const said = await ask(at, ['--version'], asking.env, asking);
  return { name, at, version: said && said.code === 0 ? (pattern.exec(`${said.stdout}\n${said.stderr}`)?.[1] ?? null) : null };
}

/** A running Ollama. Asks for its version only, which changes nothing there. */
export async function findOllama(asking: Asking, url = OLLAMA_URL): Promise<FoundEngine | null> {
  try {
    const response = await fetch(`${url}/api/version`, {
      signal: AbortSignal.any([asking.signal, AbortSignal.timeout(asking.deadlineMs)]),
      redirect: 'error',
    });
    if (!response.ok) return null;
    const body: unknown = await response.json();
    const version = body !== null && typeof body === 'object' && 'version' in body ? body.version : null;
    return typeof version === 'string' ? { name: 'ollama', at: url, version } : null;
  } catch {
    return null;
  }
}

/** The node-llama-cpp package, looked for where this program's own imports find it. Says nothing about whether it loads. */
export function findNodeLlamaCpp(from: string = import.meta.url): FoundEngine | null {
  for (const folder of createRequire(from).resolve.paths('node-llama-cpp') ?? []) {
    const manifest = join(folder, 'node-llama-cpp', 'package.json');
    if (!existsSync(manifest)) continue;
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version?: string };
    return { name: 'node-llama-cpp', at: join(folder, 'node-llama-cpp'), version: version ?? null };
  }
  return null;
}

/**
 * Loads node-llama-cpp's prebuilt library in a process of its own, so that a binary which does not fit this machine
 * cannot take us down. Null: it loads. Otherwise the last line of what went wrong.
 */
export async function whyNodeLlamaCppFails(found: FoundEngine, asking: Asking): Promise<string | null> {
  const entry = pathToFileURL(join(found.at, 'dist', 'index.js')).href;
  // Its self-test forks this process with our own flags, which would evaluate this text again: hence the empty execArgv.
  const program = `process.execArgv = [];
    import(${JSON.stringify(entry)})
      .then(({ getLlama }) => getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: 'disabled' }))
      .then(() => process.exit(0), (error) => { console.error(String(error?.message || error)); process.exit(1); });`;
  const said = await ask(process.execPath, ['-e', program], asking.env, asking);
  if (!said) return `it did not load within ${asking.deadlineMs / 1000} s`;
  return said.code === 0 ? null : (said.stderr.trim().split('\n').at(-1) ?? '') || `the test ended with exit code ${said.code}`;
}
