import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Artifact, BackendSpec, GgufFacts, InstanceSpec, ModelSpec } from '../../domain/desired.ts';
import type { ObservedBackend } from '../../domain/observed.ts';
import { detectLibrary } from './detect.ts';
import { explainEnd } from './explain.ts';
import { backend } from './index.ts';
import { embeddedEngine } from './process.ts';
import { loadedFrom, tell, toldBy } from './settings.ts';

const spec: BackendSpec = { name: 'demo', type: 'embedded', reserve: { vramBytes: 0, ramBytes: 0 }, options: {} };
const model: ModelSpec = {
  name: 'chat',
  backend: 'demo',
  source: { kind: 'file', path: 'm.gguf', written: 'file:m.gguf' },
  quantizations: [],
  sha256: null,
  context: 512,
  parallel: 2,
  kvCache: null,
  offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
  load: 'always',
  drift: { default: 'correct', fields: {} },
  rollout: { strategy: 'auto', holdMs: 0, drainMs: 0, bakeMs: 0 },
  protect: false,
  options: {},
};
const gguf = { contextTrained: 1024 } as GgufFacts;
const artifact: Artifact = { source: 'file:m.gguf', path: '/m.gguf', bytes: 1, sha256: 'ab'.repeat(32), gguf };
const engine = { status: 'present', at: '/x/node-llama-cpp', version: '3.21.1', capabilities: [] } as const;
const observed: ObservedBackend = { status: 'reachable', name: 'demo', type: 'embedded', engine, instances: [], memory: [] };
const instance = (fields: InstanceSpec['fields']): InstanceSpec => ({
  id: 'chat-1',
  stack: 's',
  backend: 'demo',
  model: 'chat',
  specHash: '1',
  fields,
  weights: { path: '/m.gguf', sha256: 'ab', bytes: 1 },
  options: {},
});

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

describe('settings', () => {
  test('what a server was told is read back from its arguments, whatever was asked', () => {
    const number = fc.option(fc.integer({ min: 1, max: 100_000 }));
    const wish = fc.record({
      context: number,
      parallel: number,
      'options.threads': number,
      'options.batch': number,
      'options.flashAttention': fc.option(fc.boolean()),
    });
    fc.assert(
      fc.property(wish, (fields) => {
        expect(toldBy(tell(instance(fields), 4711))).toMatchObject(fields);
      }),
    );
  });

  test('a model option wins over the same option of its backend', () => {
    const both = { ...spec, options: { threads: 8, batch: 64 } };
    expect(backend.fields({ ...model, options: { threads: 2 } }, artifact, both)).toMatchObject({
      'options.threads': 2,
      'options.batch': 64,
      context: 512,
      digest: artifact.sha256,
    });
  });

  test('every field has a price', () => {
    for (const field of Object.keys(backend.fields(model, artifact, spec))) expect(backend.prices[field]).toBeDefined();
  });

  test('an answer that is not as expected tells nothing, and breaks nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (props) => {
        const told = Object.values(loadedFrom(props, 'http://127.0.0.1:1'));
        expect(told.filter((value) => typeof value === 'object' && value !== null)).toEqual([]);
      }),
    );
  });

  test('two copies of a model can run side by side unless its port is fixed', () => {
    const fixed = { ...model, options: { port: 4711 } };
    const shared = { because: 'both would listen on port 4711', setting: { of: 'model', key: 'options.port' } };
    expect(backend.mustSwap(model, spec, { 'options.port': 4711 })).toBeNull();
    expect(backend.mustSwap(fixed, spec, { 'options.port': 4711 })).toEqual(shared);
    expect(backend.mustSwap(fixed, spec, { 'options.port': 4712 })).toBeNull();
    expect(backend.mustSwap(fixed, spec, null)).toEqual(shared);
    expect(embeddedEngine.fixedPort?.(instance({ 'options.port': 4711 }))).toBe(4711);
  });

  test('a server that carries no mark of ours is recognized by its program', () => {
    expect(
      embeddedEngine.recognize?.({ args: ['node', '/a/src/backends/embedded/server/main.ts', '--port', '4', '--alias', 'x'] }),
    ).toEqual({ model: 'x', endpoint: 'http://127.0.0.1:4' });
    expect(embeddedEngine.recognize?.({ args: ['node', '/a/main.ts'] })).toBeNull();
  });
});

describe('what the engine cannot do is said before anything is touched', () => {
  test.each<[string, Partial<ModelSpec>, string]>([
    ['a context longer than the model was trained for', { context: 2048 }, 'context-exceeds-model'],
    ['layers on a GPU', { offload: { ...model.offload, gpuLayers: 'all' } }, 'engine-cannot'],
    ['a device', { offload: { ...model.offload, devices: ['CUDA0'] } }, 'engine-cannot'],
    ['a quantized KV cache', { kvCache: 'q8_0' }, 'engine-cannot'],
    ['more requests at once than llama.cpp has sequences', { parallel: 300 }, 'engine-cannot'],
  ])('%s', (_what, change, code) => {
    expect(backend.check({ ...model, ...change }, artifact, spec, observed).map((problem) => problem.code)).toEqual([code]);
  });

  test('weights that are no GGUF', () => {
    expect(backend.check(model, { ...artifact, gguf: null }, spec, observed)[0]?.code).toBe('weights-not-gguf');
  });

  test('what it can do passes', () => {
    expect(
      backend.check({ ...model, kvCache: 'f16', offload: { gpuLayers: 0, cpuMoeLayers: null, devices: null } }, artifact, spec, observed),
    ).toEqual([]);
  });
});

/** A `node_modules` folder with these files. */
const modules = (files: Readonly<Record<string, string>>): string => {
  const root = mkdtempSync(join(tmpdir(), 'llmops-detect-'));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
};

describe('the library', () => {
  const library = { 'node-llama-cpp/package.json': '{"version": "3.21.1"}' };

  test('with its binaries is present', async () => {
    const root = modules({ ...library, '@node-llama-cpp/linux-x64/bins/linux-x64/llama.node': '' });
    expect(await detectLibrary({ folders: ['/nowhere', root], platform: 'linux-x64' })).toMatchObject({
      status: 'present',
      at: join(root, 'node-llama-cpp'),
      version: '3.21.1',
    });
  });

  test.each([
    ['that is not installed', {}, 'linux-x64', 'npm install node-llama-cpp'],
    ['whose binaries were left out', { ...library, '@node-llama-cpp/linux-x64/package.json': '{}' }, 'linux-x64', '--omit=optional'],
    ['on a system that it has no binaries for', library, 'sunos-x64', 'llama.cpp'],
  ])('%s is absent, with what to do', async (_what, files, platform, fix) => {
    const found = await detectLibrary({ folders: [modules(files)], platform });
    expect(found).toMatchObject({ status: 'absent', problem: { code: 'engine-absent', fix: expect.stringContaining(fix) } });
    if (found.status === 'absent') expect(backend.check(model, artifact, spec, { ...observed, engine: found })).toEqual([found.problem]);
  });
});

test.each([
  ['T error: cannot listen: listen EADDRINUSE: address already in use', 'port-taken'],
  ['T error: cannot load the model: not enough memory: a context of 9 tokens takes 8 GiB', 'out-of-memory'],
  ["T error: cannot load the model: ENOENT: no such file or directory, open '/x.gguf'", 'weights-missing'],
  ["T error: cannot load the model: Failed to load model (tensor 'a' data is not within the file bounds)", 'weights-damaged'],
  ['T error: cannot load the model: unknown model architecture', 'weights-unusable'],
  ['T POST /v1/completions 500 3 ms', 'engine-crashed'],
])('the last words "%s" mean %s', (line, code) => {
  expect(explainEnd(`T ready\n${line}\n`, 1)).toMatchObject({ severity: 'error', code });
});
