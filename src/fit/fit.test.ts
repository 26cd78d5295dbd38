import { describe, expect, it } from 'vitest';
import type { Artifact, GgufFacts } from '../domain/desired.ts';
import { estimateMemory, splitNeed } from './index.ts';

const MIB = 2 ** 20;

/** Published hyperparameters. */
const LLAMA_8B: GgufFacts = {
  architecture: 'llama',
  name: 'Llama 3.1 8B',
  quantization: 'Q4_K_M',
  contextTrained: 131_072,
  layers: 32,
  embedding: 4096,
  heads: 32,
  kvHeads: 8,
  keyLength: 128,
  valueLength: 128,
  vocabulary: 128_256,
  experts: null,
  feedForward: 14_336,
  tensorBytes: 4_912_898_304,
};
const QWEN3_8B: GgufFacts = {
  ...LLAMA_8B,
  architecture: 'qwen3',
  layers: 36,
  vocabulary: 151_936,
  feedForward: 12_288,
  tensorBytes: 5_021_827_072,
};
const PHI_4: GgufFacts = {
  ...LLAMA_8B,
  architecture: 'phi3',
  layers: 40,
  embedding: 5120,
  heads: 40,
  kvHeads: 10,
  feedForward: 17_920,
  tensorBytes: 9_055_703_040,
};

function artifact(gguf: GgufFacts | null): Artifact {
  return { source: 'file:a.gguf', path: '/a.gguf', bytes: 1, sha256: 'aa', gguf };
}

function kvMib(facts: GgufFacts, fields: Parameters<typeof estimateMemory>[1]): number {
  return (estimateMemory(artifact(facts), fields)?.kv ?? Number.NaN) / MIB;
}

describe('The estimate of memory', () => {
  it('takes the weights from the tensors, not from the name of the quantization', () => {
    expect(estimateMemory(artifact(LLAMA_8B), { context: 8192, parallel: 1 })?.weights).toBe(4_912_898_304);
  });

  it('gives the KV cache that llama.cpp allocates', () => {
    expect(kvMib(LLAMA_8B, { context: 8192, parallel: 1 })).toBe(1024);
    expect(kvMib(QWEN3_8B, { context: 8192, parallel: 1 })).toBe(1152);
    expect(kvMib(PHI_4, { context: 8192, parallel: 1 })).toBe(1600);
    expect([512, 4096, 32_768, 131_072].map((context) => kvMib(LLAMA_8B, { context, parallel: 1 }))).toEqual([64, 512, 4096, 16_384]);
  });

  it('knows what the types of the KV cache take', () => {
    const types = ['q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0'];
    expect(types.map((kvCache) => kvMib(LLAMA_8B, { context: 8192, parallel: 1, kvCache }))).toEqual([544, 384, 352, 320, 288]);
  });

  it('gives each slot its context in full, in steps of 256 tokens', () => {
    expect(kvMib(LLAMA_8B, { context: 8192, parallel: 4 })).toBe(4096);
    expect(kvMib(LLAMA_8B, { context: 8193, parallel: 1 })).toBe(1056);
  });

  it('takes the trained context, shared between the slots, where none is declared', () => {
    expect(kvMib(LLAMA_8B, { context: null, parallel: 4 })).toBe(16_384);
  });

  it('gives the compute buffer that was measured, and never less where the header does not tell its width', () => {
    const known = estimateMemory(artifact(LLAMA_8B), { context: 8192, parallel: 1 })?.compute ?? 0;
    const host = 8 + 16;
    expect(Math.round(known / MIB) - host).toBe(116);
    const { feedForward: _, ...unknown } = LLAMA_8B;
    expect(estimateMemory(artifact(unknown), { context: 8192, parallel: 1 })?.compute).toBeGreaterThan(known);
  });

  it('says nothing where it would have to guess', () => {
    const fields = { context: 8192, parallel: 1 };
    expect(estimateMemory(artifact(null), fields)).toBeNull();
    expect(estimateMemory(artifact({ ...LLAMA_8B, kvHeads: null }), fields)).toBeNull();
    expect(estimateMemory(artifact({ ...LLAMA_8B, architecture: 'mamba' }), fields)).toBeNull();
    expect(estimateMemory(artifact({ ...LLAMA_8B, contextTrained: null }), { parallel: 1 })).toBeNull();
    expect(estimateMemory(artifact(LLAMA_8B), { ...fields, kvCache: 'q9_9' })).toBeNull();
  });
});

describe('Where the memory lies', () => {
  const estimate = { weights: 3300, kv: 330, compute: 10 };

  it('is RAM where there is no GPU, or where none is wanted', () => {
    expect(splitNeed(estimate, LLAMA_8B, {}, false)).toEqual({ ram: 3640, vram: 0 });
    expect(splitNeed(estimate, LLAMA_8B, { 'offload.gpuLayers': 0 }, true)).toEqual({ ram: 3640, vram: 0 });
  });

  it('is the GPU for the whole model unless a number of layers is declared', () => {
    expect(splitNeed(estimate, LLAMA_8B, {}, true)).toEqual({ ram: 0, vram: 3640 });
    expect(splitNeed(estimate, LLAMA_8B, { 'offload.gpuLayers': 'all' }, true)).toEqual({ ram: 0, vram: 3640 });
    expect(splitNeed(estimate, LLAMA_8B, { 'offload.gpuLayers': 99 }, true)).toEqual({ ram: 0, vram: 3640 });
  });

  it('is shared in proportion for a number of layers, the output counting as one', () => {
    expect(splitNeed(estimate, LLAMA_8B, { 'offload.gpuLayers': 11 }, true)).toEqual({ ram: 2420, vram: 1220 });
  });
});
