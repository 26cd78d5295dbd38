import { createHash } from 'node:crypto';
import type { GgufFacts } from '../../src/domain/desired.ts';
import { weightsDigest, type Lock, type LockedModel } from '../../src/domain/weights.ts';

/** SHA-256, hex. */
export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What a header tells of a model that has Qwen3's shape. */
export const FACTS: GgufFacts = {
  architecture: 'qwen3',
  name: 'Qwen3 8B',
  quantization: 'Q4_K_M',
  contextTrained: 40960,
  layers: 36,
  embedding: 4096,
  heads: 32,
  kvHeads: 8,
  keyLength: 128,
  valueLength: 128,
  vocabulary: 151936,
  experts: null,
  feedForward: 12288,
  tensorBytes: 5027783488,
};

/** An entry; its digest follows from its files. */
export function locked(over: Partial<LockedModel> = {}): LockedModel {
  const entry = {
    source: 'hf:Qwen/Qwen3-8B-GGUF',
    revision: 'main',
    quantization: 'Q4_K_M',
    origin: { kind: 'hf', repo: 'Qwen/Qwen3-8B-GGUF', commit: hash('commit').slice(0, 40) },
    manifest: null,
    files: [{ path: 'Qwen3-8B-Q4_K_M.gguf', bytes: 5027783488, sha256: hash('weights') }],
    chatTemplate: hash('template'),
    tokenizer: hash('tokenizer'),
    license: 'apache-2.0',
    facts: FACTS,
    ...over,
  } as const;
  return { ...entry, sha256: over.sha256 ?? weightsDigest(entry.files, hash) };
}

/** A lock with an entry of each kind of origin, one of them split. */
export const SAMPLE: Lock = {
  models: {
    chat: locked(),
    'chat@prod': locked({
      quantization: 'Q8_0',
      files: [1, 2, 3].map((part) => ({
        path: `Q8_0/Qwen3-8B-Q8_0-0000${part}-of-00003.gguf`,
        bytes: part * 1000,
        sha256: hash(`part ${part}`),
      })),
    }),
    desk: locked({
      source: 'file:models/desk.gguf',
      revision: null,
      origin: null,
      files: [{ path: 'desk.gguf', bytes: 17, sha256: hash('desk') }],
      license: null,
      chatTemplate: null,
      tokenizer: null,
      facts: null,
      quantization: null,
    }),
    embed: locked({
      source: 'ollama:nomic-embed-text',
      revision: null,
      origin: { kind: 'ollama', host: 'registry.ollama.ai', name: 'library/nomic-embed-text', tag: 'latest' },
      manifest: hash('manifest'),
      files: [{ path: 'nomic-embed-text', bytes: 274290656, sha256: hash('embed') }],
    }),
    tiny: locked({
      source: 'https://example.com/models/tiny.gguf',
      revision: null,
      origin: { kind: 'https', url: 'https://example.com/models/tiny.gguf' },
      license: null,
    }),
  },
  engines: { big: 'vllm 0.11.0', local: 'llama-server 0.7.0' },
};
