import { createHash } from 'node:crypto';
import type { Artifact, BackendSpec, Desired, ModelSpec } from '../../src/domain/desired.ts';
import { portableFields } from '../../src/domain/fields.ts';
import type { Inventory } from '../../src/domain/observed.ts';
import { makePlan, type BackendTraits, type PlanInput } from '../../src/plan/index.ts';
import type { World } from './simulate.ts';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export const GIB = 2 ** 30;

/** A file of weights whose memory can be estimated: a small dense model of the given size. */
export function artifactOf(sha: string, tensorBytes: number): Artifact {
  return {
    source: `file:${sha}.gguf`,
    path: `/models/${sha}.gguf`,
    bytes: tensorBytes,
    sha256: sha,
    gguf: {
      architecture: 'llama',
      name: null,
      quantization: 'Q4_K_M',
      contextTrained: 4096,
      layers: 4,
      embedding: 256,
      heads: 4,
      kvHeads: 2,
      keyLength: 64,
      valueLength: 64,
      vocabulary: 1000,
      experts: null,
      tensorBytes,
    },
  };
}

export function modelOf(name: string, over: Partial<ModelSpec> = {}): ModelSpec {
  return {
    name,
    backend: 'a',
    source: { kind: 'file', path: '/models/x.gguf', written: 'file:x.gguf' },
    quantizations: [],
    sha256: null,
    context: 512,
    parallel: 2,
    kvCache: null,
    offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
    load: 'always',
    drift: { default: 'correct', fields: {} },
    rollout: { strategy: 'auto', holdMs: 120_000, drainMs: 60_000, bakeMs: 600_000 },
    protect: false,
    options: {},
    ...over,
  };
}

/** A kind of engine for tests: some fields shape its process, one can be changed while it runs. */
export function traitsOf(type: string, sideBySide: boolean): BackendTraits {
  return {
    type,
    prices: {
      source: 'live',
      digest: 'replace',
      context: 'restart',
      parallel: 'restart',
      kvCache: 'restart',
      'offload.gpuLayers': 'restart',
      'offload.cpuMoeLayers': 'restart',
      'offload.devices': 'restart',
      chatTemplate: 'restart',
      'options.label': 'live',
    },
    fields: (model, artifact) => ({
      ...portableFields(model, artifact),
      chatTemplate: null,
      'options.label': String(model.options['label'] ?? 'none'),
    }),
    check: () => [],
    mustSwap: () => (sideBySide ? null : { because: 'the engine has room for one', setting: null }),
  };
}

export const TRAITS = { one: traitsOf('one', true), fixed: traitsOf('fixed', false) };
export const NOTHING: Inventory = { generation: null, appliedAt: null, models: {}, endpoints: {}, pending: [] };

export function backendOf(name: string, type = 'one'): BackendSpec {
  return { name, type, reserve: { vramBytes: 0, ramBytes: 0 }, options: {} };
}

export function desiredOf(models: readonly ModelSpec[], backends: readonly BackendSpec[]): Desired {
  return {
    stack: 'test',
    file: 'llmops.yaml',
    environment: null,
    revision: sha256(JSON.stringify(models)),
    backends,
    models,
    inert: [],
    places: {},
  };
}

export type Asked = Pick<PlanInput, 'desired' | 'artifacts'> & Partial<PlanInput>;

/** The plan for a world. */
export function planFor(world: World, asked: Asked): ReturnType<typeof makePlan> {
  const defaults = { problems: [], traits: TRAITS, mode: 'apply' as const, targets: [], replace: [], allowDestroy: true, hash: sha256 };
  return makePlan({ ...defaults, ...world, ...asked });
}
