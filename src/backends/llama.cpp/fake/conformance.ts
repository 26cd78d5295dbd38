import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Conformance } from '../../../../test/contract/world.ts';
import { backend } from '../index.ts';
import { llamaServer } from '../process.ts';
import { FAULTS } from './faults.ts';
import { installFake } from './main.ts';
import { writeFakeWeights } from './weights.ts';

/** What the suite has to know of llama.cpp when the fake plays llama-server. The fake is installed in `bin`. */
export function fakeConformance(bin: string): Conformance {
  return {
    name: 'llama.cpp (fake)',
    backend,
    engine: llamaServer,
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
      return {
        body: { prompt: 'Hello', max_tokens: 8 },
        env: { [FAULTS]: JSON.stringify({ generateUntil: gate }) },
        finish: () => writeFileSync(gate, ''),
      };
    },
  };
}
