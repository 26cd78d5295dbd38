import { describe, expect, it } from 'vitest';
import type { Artifact, BackendSpec, GgufFacts, JsonObject, ModelSpec, RemoteWeights, Source } from '../../domain/desired.ts';
import type { ObservedBackend } from '../../domain/observed.ts';
import { backend } from './index.ts';

const MODEL: ModelSpec = {
  name: 'chat',
  backend: 'here',
  source: { kind: 'file', path: 'chat.gguf', written: 'file:chat.gguf' },
  quantizations: [],
  sha256: null,
  context: 512,
  parallel: 1,
  kvCache: null,
  offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
  load: 'always',
  drift: { default: 'correct', fields: {} },
  rollout: { strategy: 'auto', holdMs: 0, drainMs: 0, bakeMs: 0 },
  protect: false,
  options: {},
};
const FACTS = { architecture: 'llama', contextTrained: 1024, quantization: 'Q4_K_M', keyLength: 64, valueLength: 64 } as GgufFacts;

const FROM_HUB: RemoteWeights = {
  origin: { kind: 'hf', repo: 'acme/x', commit: 'ab'.repeat(20) },
  manifest: null,
  files: [],
  missing: [],
  ready: true,
  partialBytes: 0,
};
const TAG = { kind: 'ollama', host: 'registry.ollama.ai', name: 'library/x', tag: '8b' } as const;

interface Change {
  readonly model?: Partial<ModelSpec>;
  readonly facts?: Partial<GgufFacts>;
  readonly remote?: Partial<RemoteWeights>;
  readonly options?: JsonObject;
  readonly version?: string;
  readonly capabilities?: readonly string[];
}

/** Severity and code of each problem. */
function problems({ model, facts, remote, options, version = '0.34.4', capabilities = [] }: Change): readonly string[] {
  const local: Artifact = { source: 'file:chat.gguf', path: '/chat.gguf', bytes: 1, sha256: 'aa', gguf: { ...FACTS, ...facts } };
  const artifact: Artifact = remote === undefined ? local : { ...local, remote: { ...FROM_HUB, ...remote } };
  const spec: BackendSpec = {
    name: 'here',
    type: 'ollama',
    reserve: { vramBytes: 0, ramBytes: 0 },
    options: { url: 'http://127.0.0.1:11434', ...options },
  };
  const observed: ObservedBackend = {
    status: 'reachable',
    name: 'here',
    type: 'ollama',
    instances: [],
    memory: [],
    engine: { status: 'present', at: 'http://127.0.0.1:11434', version, capabilities },
  };
  return backend.check({ ...MODEL, ...model }, artifact, spec, observed).map(({ severity, code }) => `${severity} ${code}`);
}

const source = (host: string, tag = '8b'): { readonly source: Source } => ({
  source: { kind: 'ollama', host, name: 'library/x', tag, written: `ollama:${host}/library/x:${tag}` },
});

describe('What is said before anything is touched', () => {
  it('is nothing where all is well', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ model: source('registry.ollama.ai') })).toEqual([]);
    expect(problems({ model: { kvCache: 'f16' } })).toEqual([]);
    expect(problems({ remote: { origin: TAG, beside: ['adapter'] } })).toEqual([]);
    expect(problems({ model: { context: 1024 }, remote: { origin: TAG, beside: ['projector'] } })).toEqual([]);
  });

  it.each<[string, Change, string]>([
    ['a server that has known holes', { version: '0.17.0' }, 'error engine-too-old'],
    ['a server with an engine of its own', { version: '0.24.1' }, 'warning engine-too-old'],
    ['a server that does not tell its version', { version: '0.0.0' }, 'warning engine-too-old'],
    ['a server that anybody can reach', { options: { url: 'http://10.0.0.5:11434' } }, 'warning server-open'],
    ['a registry that is not on the list', { model: source('evil.example.com') }, 'error registry-not-allowed'],
    ['a model that has no weights', { model: source('registry.ollama.ai', '480b-cloud') }, 'error engine-cannot'],
    ['a name that another stack has', { capabilities: ['taken:chat lab'] }, 'error name-taken'],
    ['a name that somebody has', { capabilities: ['taken:chat'] }, 'error name-taken'],
    ['more context than was trained', { model: { context: 2048 } }, 'error context-exceeds-model'],
    ['a quantization that Ollama does not take', { facts: { quantization: 'TQ1_0' } }, 'error engine-cannot'],
    ['requests at once, which a server fixes at its start', { model: { parallel: 4 } }, 'warning needs-server-restart'],
    ['requests at once, known to be fewer', { model: { parallel: 4 }, options: { server: { parallel: 2 } } }, 'error needs-server-restart'],
    ['7. a KV cache, which is one for the server', { model: { kvCache: 'q8_0' } }, 'warning needs-server-restart'],
    [
      '7. a KV cache that the server is known not to have',
      { model: { kvCache: 'q8_0' }, options: { server: { kvCache: 'q4_0' } } },
      'error needs-server-restart',
    ],
    [
      '7. a KV cache that does not divide the heads',
      { facts: { valueLength: 72 }, options: { server: { kvCache: 'q8_0' } } },
      'error engine-cannot',
    ],
    [
      'a context that Ollama would raise, because images take much of it',
      { remote: { origin: TAG, beside: ['projector'] } },
      'error engine-cannot',
    ],
    ['what is left behind where Ollama cannot log in', { remote: { origin: { ...TAG, access: 'login' } } }, 'warning weights-only'],
    ['a projector that is not handed over', { remote: { beside: ['projector'] } }, 'warning weights-only'],
    ['an adapter that is not handed over', { remote: { beside: ['adapter'] } }, 'error weights-only'],
    ['experts in RAM', { model: { offload: { gpuLayers: null, cpuMoeLayers: 3, devices: null } } }, 'warning needs-server-restart'],
    [
      'devices of its own',
      { model: { offload: { gpuLayers: null, cpuMoeLayers: null, devices: ['CUDA1'] } } },
      'warning needs-server-restart',
    ],
    [
      '8. a family that gets one request at a time',
      { model: { parallel: 2 }, facts: { architecture: 'qwen35' }, options: { server: { parallel: 2 } } },
      'warning engine-cannot',
    ],
  ])('names %s', (_, change, problem) => {
    expect(problems(change)).toEqual([problem]);
  });

  it('is silent about what a server was started with as it should be, or what somebody answers for', () => {
    const server = { parallel: 4, kvCache: 'q8_0', cpuMoeLayers: 3, devices: ['CUDA1'] };
    const offload = { gpuLayers: null, cpuMoeLayers: 3, devices: ['CUDA1'] };
    expect(problems({ model: { parallel: 4, kvCache: 'q8_0', offload }, options: { server } })).toEqual([]);
    expect(problems({ model: { parallel: 2 }, options: { server } })).toEqual([]); // more slots than asked for do no harm
    expect(problems({ options: { url: 'http://10.0.0.5:11434', acknowledgeOpen: true } })).toEqual([]);
    expect(problems({ options: { url: 'https://10.0.0.5/ollama' } })).toEqual([]);
    expect(problems({ options: { url: 'http://10.0.0.5:11434', apiKey: { env: 'KEY' } } })).toEqual([]);
    expect(problems({ model: source('evil.example.com'), options: { registries: ['evil.example.com'] } })).toEqual([]);
    expect(problems({ model: source('127.0.0.1:5000') })).toEqual([]);
    expect(problems({ capabilities: ['taken:chatter', 'taken:chat:8b'] })).toEqual([]);
  });
});
