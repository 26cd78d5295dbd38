import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseSource } from '../../src/config/source.ts';
import type { ModelSpec } from '../../src/domain/desired.ts';
import { ProblemError } from '../../src/domain/problem.ts';
import type { Problem } from '../../src/domain/problem.ts';
import type { LockedModel } from '../../src/domain/weights.ts';
import type { Limits, ResolveContext, WeightsRequest } from '../../src/sources/index.ts';
import { resolveSource } from '../../src/sources/index.ts';
import { tinyGguf } from '../catalog/tiny.ts';
import { sha256 } from './fake-hub.ts';

/** Short enough for tests: a pause is a millisecond, a server may ask for one and a half seconds. */
export const HASTY: Limits = { idleMs: 5_000, answerMs: 20_000, attempts: 3, pauseMs: 1, longestPauseMs: 1_500 };

/** What a test wants of a model and of the world. */
export interface Asked {
  readonly revision?: string;
  readonly quantizations?: readonly string[];
  readonly sha256?: string | null;
  readonly env?: ResolveContext['env'];
  readonly insecureRegistries?: readonly string[];
  readonly signal?: AbortSignal;
  readonly limits?: Partial<Limits>;
  readonly fetchUnknown?: ResolveContext['fetchUnknown'];
}

/** Resolves a source as it would stand in llmops.yaml. */
export async function resolve(written: string, asked: Asked = {}): Promise<LockedModel> {
  const { env = {}, insecureRegistries = [], signal = new AbortController().signal, limits = {}, fetchUnknown = fetchesNothing } = asked;
  return await resolveSource(modelOf(written, asked), { env, insecureRegistries, signal, fetchUnknown, limits: { ...HASTY, ...limits } });
}

/** The problem that resolving a source ends with. */
export async function problemOfSource(written: string, asked: Asked = {}): Promise<Problem> {
  return await problemIn(() => resolve(written, asked));
}

/** The problem that some work ends with. */
export async function problemIn(work: () => unknown): Promise<Problem> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
  throw new Error('it went well');
}

/** A model as llmops.yaml would declare it. */
export function modelOf(written: string, { revision, quantizations = [], sha256: declared = null }: Asked = {}): ModelSpec {
  const source = parseSource(written, revision ?? null);
  if (source === null) throw new Error(`not a source: ${written}`);
  return {
    name: 'chat',
    backend: 'b',
    source,
    quantizations,
    sha256: declared,
    context: null,
    parallel: 1,
    kvCache: null,
    offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
    load: 'always',
    drift: { default: 'correct', fields: {} },
    rollout: { strategy: 'auto', holdMs: 0, drainMs: 0, bakeMs: 0 },
    protect: false,
    options: {},
  };
}

async function fetchesNothing(name: string): Promise<never> {
  throw new Error(`${name} should not have been fetched`);
}

/** A `fetchUnknown` that really fetches, into a folder that goes with the test, and remembers what it was asked for. */
export function fetcher(): {
  readonly fetchUnknown: ResolveContext['fetchUnknown'];
  readonly asked: readonly (readonly [string, WeightsRequest])[];
} {
  const folder = mkdtempSync(join(tmpdir(), 'llmops-sources-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const asked: [string, WeightsRequest][] = [];
  const fetchUnknown: ResolveContext['fetchUnknown'] = async (name, wanted) => {
    asked.push([name, wanted]);
    const bytes = await get(wanted);
    const localPath = join(folder, sha256(bytes));
    writeFileSync(localPath, bytes);
    return { path: name, bytes: bytes.length, sha256: sha256(bytes), localPath };
  };
  return { fetchUnknown, asked };
}

function get({ url, headers }: WeightsRequest): Promise<Buffer> {
  return new Promise((done, fail) => {
    request(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done(Buffer.concat(chunks)));
      response.on('error', fail);
    })
      .on('error', fail)
      .end();
  });
}

/** Bytes of a GGUF file whose content differs with its name, so that files can be told apart by their digests. */
export function weightsNamed(name: string, tensors: Readonly<Record<string, number>> = { 'output.weight': 8 }): Buffer {
  return tinyGguf({
    metadata: {
      'general.architecture': 'llama',
      'general.name': name,
      'general.file_type': 15,
      'llama.context_length': 4096,
      'llama.block_count': 2,
      'tokenizer.chat_template': '{{ messages }}',
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.tokens': ['a', 'b', 'c'],
    },
    tensors,
  });
}

/** A commit id that is made of one digit. */
export function commit(digit: string): string {
  return digit.repeat(40);
}
