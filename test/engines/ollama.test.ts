import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describeBackend } from '../contract/contract.ts';
import { OLLAMA } from '../../src/backends/ollama/fake/conformance.ts';
import { startOllama } from './ollama-server.ts';

const models = resolve(import.meta.dirname, '../../examples/models');

describeBackend({
  ...OLLAMA,
  name: 'ollama (real server)',
  server: startOllama,
  weights: () => join(models, 'desk-Q4_K_M.gguf'),
  otherWeights: () => join(models, 'desk-Q2_K.gguf'),
  /** Ollama takes weights of an architecture that it does not know, and cannot load them. */
  damagedWeights(dir) {
    const path = join(dir, 'damaged.gguf');
    if (existsSync(path)) return path;
    const bytes = readFileSync(join(models, 'desk-Q4_K_M.gguf'));
    bytes.write('llamx', bytes.indexOf('general.architecture') + 'general.architecture'.length + 12);
    writeFileSync(path, bytes);
    return path;
  },
});
