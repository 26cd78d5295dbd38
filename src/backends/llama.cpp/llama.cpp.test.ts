import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeBackend } from '../../../test/contract/contract.ts';
import { FAULTS } from './fake/faults.ts';
import { installFake } from './fake/main.ts';
import { writeFakeWeights } from './fake/weights.ts';
import { backend } from './index.ts';

const bin = mkdtempSync(join(tmpdir(), 'llmops-fake-llama-'));
afterAll(() => rmSync(bin, { recursive: true, force: true }));

describeBackend({
  name: 'llama.cpp (fake)',
  backend,
  cacheDir: bin,
  backendOptions: { engine: installFake(bin), rpc: [], args: [] },
  model: { kvCache: 'q8_0', offload: { gpuLayers: 2, cpuMoeLayers: null, devices: null } },
  weights(dir) {
    const path = join(dir, 'chat.gguf');
    writeFakeWeights(path, { contextTrained: 1024, layers: 4 });
    return path;
  },
  damagedWeights(dir) {
    const path = join(dir, 'damaged.gguf');
    writeFileSync(path, 'not weights');
    return path;
  },
  longRequest(dir) {
    const gate = join(dir, 'enough');
    return { body: { prompt: 'Hello', max_tokens: 8 }, env: { [FAULTS]: JSON.stringify({ generateUntil: gate }) }, finish: () => writeFileSync(gate, '') };
  },
});
