import type { Artifact, GgufFacts } from '../domain/desired.ts';
import type { Fields } from '../domain/fields.ts';

/** Memory of one running copy, in bytes. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly kv: number;
  readonly compute: number;
}

/** How an estimate falls onto the machine's two kinds of memory, in bytes. */
export interface MemoryNeed {
  readonly ram: number;
  readonly vram: number;
}

/** Bytes per element of the KV cache. Source: block sizes in ggml-common.h, as bytes per block over elements per block. */
const KV_BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
  iq4_nl: 18 / 32,
};

/** Their memory does not follow the formula for attention layers: state-space, recurrent and hybrid models. */
const NOT_ATTENTION = /mamba|rwkv|next|qwen35|lfm2|falcon-h1|jamba|hybrid|nemotron_h|plamo2|kimi/;

/** llama.cpp's default physical batch (`-ub`). */
const UBATCH = 512;
/** Feed-forward width over embedding width where the header does not say: the widest known dense model (Mistral Small 24B). */
const WIDEST_FEED_FORWARD = 6.5;

/**
 * Memory of a dense or grouped-query model with flash attention, each slot with a cache of its own, as llama.cpp lays
 * it out. Null where the header tells too little or the architecture has another layout: a guess would be believed.
 * Sliding windows are counted as full attention, so the estimate errs high. Source of the formulas: llama.cpp
 * `llama-kv-cache.cpp`; the compute buffer is a fit to measured buffers (Llama, Qwen3, Gemma 3, Mistral, Phi-4).
 */
export function estimateMemory(artifact: Artifact, fields: Fields): MemoryEstimate | null {
  const facts = artifact.gguf;
  if (facts === null || NOT_ATTENTION.test(facts.architecture)) return null;
  const shape = shapeOf(facts);
  const cache = cacheOf(facts, fields);
  if (shape === null || cache === null) return null;
  const kv = cache.slots * cache.cells * shape.layers * shape.kvHeads * (shape.keyLength + shape.valueLength) * cache.elementBytes;
  return { weights: facts.tensorBytes, kv: Math.ceil(kv), compute: computeBytes(shape, cache, Number(fields['options.ubatch'] ?? UBATCH)) };
}

/**
 * Where an estimate lies. Without a GPU everything is RAM. With one, `null` and `all` mean the whole model; a number of
 * layers takes its share of the weights and the cache, and all of the compute buffer.
 */
export function splitNeed(estimate: MemoryEstimate, facts: GgufFacts | null, fields: Fields, hasVram: boolean): MemoryNeed {
  const total = estimate.weights + estimate.kv + estimate.compute;
  const wanted = fields['offload.gpuLayers'] ?? 'all';
  if (!hasVram || wanted === 0) return { ram: total, vram: 0 };
  // llama.cpp counts the output tensors as one more layer.
  const layers = (facts?.layers ?? 0) + 1;
  const share = typeof wanted === 'number' ? Math.min(1, wanted / layers) : 1;
  const vram = Math.ceil((estimate.weights + estimate.kv) * share) + estimate.compute;
  return { vram, ram: total - vram };
}

interface Shape {
  readonly layers: number;
  readonly embedding: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly vocabulary: number;
  readonly feedForward: number;
}

function shapeOf(facts: GgufFacts): Shape | null {
  const { layers, embedding, heads, kvHeads, vocabulary } = facts;
  if (layers === null || embedding === null || heads === null || heads === 0 || kvHeads === null || vocabulary === null) return null;
  const keyLength = facts.keyLength ?? embedding / heads;
  const feedForward = facts.feedForward ?? WIDEST_FEED_FORWARD * embedding;
  return { layers, embedding, heads, kvHeads, keyLength, valueLength: facts.valueLength ?? keyLength, vocabulary, feedForward };
}

interface Cache {
  readonly slots: number;
  /** Tokens per slot, padded as llama.cpp pads them. */
  readonly cells: number;
  readonly elementBytes: number;
}

/** Without a declared context the engine takes what the model was trained for, shared between the slots. */
function cacheOf(facts: GgufFacts, fields: Fields): Cache | null {
  const slots = Number(fields['parallel'] ?? 1);
  const declared = fields['context'];
  const tokens = typeof declared === 'number' ? declared : facts.contextTrained === null ? null : facts.contextTrained / slots;
  const elementBytes = KV_BYTES[String(fields['kvCache'] ?? 'f16').toLowerCase()];
  if (tokens === null || elementBytes === undefined || !Number.isFinite(slots) || slots < 1) return null;
  return { slots, cells: Math.ceil(tokens / 256) * 256, elementBytes };
}

/** The compute buffer is linear in the physical batch, in tokens. */
function computeBytes(shape: Shape, cache: Cache, batch: number): number {
  const { embedding, heads, keyLength, vocabulary, feedForward } = shape;
  const layer = 4 * batch * (3 * feedForward + 2 * embedding + heads * keyLength);
  const mask = 2 * batch * cache.cells;
  const device = Math.max(layer + mask, 4 * cache.slots * (vocabulary + embedding));
  const host = mask + 8 * batch * embedding;
  return Math.ceil(device + host);
}
