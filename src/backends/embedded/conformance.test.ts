import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describeBackend } from '../../../test/contract/contract.ts';
import { backend } from './index.ts';
import { embeddedEngine } from './process.ts';

const models = resolve(import.meta.dirname, '../../../examples/models');

/** The real engine: it comes with npm and loads a small model in a moment, so no fake stands for it. */
describeBackend({
  name: 'embedded (node-llama-cpp)',
  backend,
  engine: () => embeddedEngine,
  backendOptions: {},
  model: { options: { threads: 1 } },
  weights: () => join(models, 'desk-Q8_0.gguf'),
  damagedWeights(dir) {
    const path = join(dir, 'damaged.gguf');
    if (!existsSync(path)) writeFileSync(path, 'not weights');
    return path;
  },
  longRequest: () => ({ body: { prompt: 'Hello', max_tokens: 1000, ignore_eos: true } }),
});
