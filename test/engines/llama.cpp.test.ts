import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { backend } from '../../src/backends/llama.cpp/index.ts';
import { describeBackend } from '../contract/contract.ts';

const models = resolve(import.meta.dirname, '../../examples/models');

/** The real program. Without it these tests prove nothing, so they fail. */
function findServer(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'llama-server'));
  const found = [process.env['LLMOPS_LLAMA_SERVER'] ?? '', ...folders].find((path) => path !== '' && existsSync(path));
  if (found === undefined) throw new Error('There is no llama-server: set LLMOPS_LLAMA_SERVER to its path, or run `npm run test:engines`, which installs one.');
  return found;
}

describeBackend({
  name: 'llama.cpp (real llama-server)',
  backend,
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
