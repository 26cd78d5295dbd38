import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { backend } from '../../src/backends/llama.cpp/index.ts';
import { llamaServer } from '../../src/backends/llama.cpp/process.ts';
import { describeBackend } from '../contract/contract.ts';
import { findServer } from './llama-server.ts';

const models = resolve(import.meta.dirname, '../../examples/models');

describeBackend({
  name: 'llama.cpp (real llama-server)',
  backend,
  engine: llamaServer,
  backendOptions: { engine: findServer(), rpc: [], args: [] },
  model: { kvCache: 'q8_0', offload: { gpuLayers: 2, cpuMoeLayers: null, devices: null }, options: { threads: 1 } },
  weights: () => join(models, 'desk-F16.gguf'),
  damagedWeights(dir) {
    const path = join(dir, 'damaged.gguf');
    if (!existsSync(path)) writeFileSync(path, 'not weights');
    return path;
  },
  longRequest: () => ({ body: { prompt: 'Hello', max_tokens: 1000, ignore_eos: true } }),
});
