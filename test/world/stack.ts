import { createHash } from 'node:crypto';
import type { Artifact, BackendSpec, Desired, GgufFacts, ModelSpec } from '../../src/domain/desired.ts';
import type { Driver } from '../../src/domain/backend.ts';
import type { Inventory } from '../../src/domain/observed.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { observeAll } from '../../src/observe/index.ts';
import { makePlan } from '../../src/plan/index.ts';
import { worldBackend } from './backend.ts';

/** A model as a test tells it: only what differs from the usual. `weights` stands for a file's content. */
export interface ModelTold extends Partial<Omit<ModelSpec, 'name'>> {
  readonly weights?: string;
}

/** A stack as a test tells it; plain data, so that it can be handed to another process. */
export interface StackTold {
  readonly models: Readonly<Record<string, ModelTold>>;
  /** Realm by backend name; `local` alone if not told. */
  readonly backends?: Readonly<Record<string, { readonly realm: string; readonly memory?: number }>>;
  readonly mode?: Plan['mode'];
  readonly replace?: readonly string[];
  readonly targets?: readonly string[];
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Weights of every model in a told stack, in bytes. With its cache and buffers a copy needs a bit less than twice that. */
const WEIGHTS_BYTES = 6_000_000;

const HEADER: GgufFacts = {
  architecture: 'llama',
  name: null,
  quantization: 'F16',
  contextTrained: 4096,
  layers: 2,
  embedding: 64,
  heads: 4,
  kvHeads: 4,
  keyLength: 16,
  valueLength: 16,
  vocabulary: 256,
  experts: null,
  tensorBytes: WEIGHTS_BYTES,
};

/** Memory of a backend that tells nothing else: enough for any two copies. */
const PLENTY_BYTES = 1e12;

const USUAL: Omit<ModelSpec, 'name' | 'source'> = {
  backend: 'local',
  quantizations: [],
  sha256: null,
  context: 1024,
  parallel: 1,
  kvCache: null,
  offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
  load: 'always',
  drift: { default: 'correct', fields: {} },
  rollout: { strategy: 'auto', holdMs: 1000, drainMs: 10_000, bakeMs: 0 },
  protect: false,
  options: {},
};

/** The told stack as config would hand it on. */
export function desiredOf(told: StackTold, url: string): Desired {
  const models = Object.entries(told.models).map(([name, model]): ModelSpec => {
    const { weights = name, ...rest } = model;
    return { ...USUAL, source: { kind: 'file', path: `/w/${weights}.gguf`, written: `file:${weights}.gguf` }, ...rest, name };
  });
  models.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    stack: 'told',
    file: 'llmops.yaml',
    environment: null,
    revision: sha256(JSON.stringify(told.models)),
    backends: specsOf(told, url),
    models,
    inert: [],
    places: {},
  };
}

/** The backends of a told stack, each in its realm of the world at this address. */
export function specsOf(told: StackTold, url: string): readonly BackendSpec[] {
  return Object.entries(told.backends ?? { local: { realm: 'local' } }).map(([name, { realm, memory }]) => ({
    name,
    type: 'world',
    reserve: { vramBytes: 0, ramBytes: 0 },
    options: { url: `${url}/${realm}`, memory: memory ?? PLENTY_BYTES },
  }));
}

export function artifactsOf(desired: Desired): Readonly<Record<string, Artifact>> {
  return Object.fromEntries(
    desired.models.map(({ name, source }) => [
      name,
      { source: source.written, path: source.written, bytes: WEIGHTS_BYTES, sha256: sha256(source.written), gguf: HEADER },
    ]),
  );
}

/** Drivers of a told stack, as the main program would connect them. */
export function driversOf(told: StackTold, url: string, stateDir: string): Readonly<Record<string, Driver>> {
  const context = { stack: 'told', stateDir, cacheDir: stateDir, baseDir: stateDir, env: {} };
  return Object.fromEntries(specsOf(told, url).map((spec) => [spec.name, worldBackend.connect(spec, context)]));
}

/** Observes and plans, as the main program would. */
export async function planOf(told: StackTold, url: string, drivers: Readonly<Record<string, Driver>>, inventory: Inventory): Promise<Plan> {
  const desired = desiredOf(told, url);
  const observed = await observeAll(drivers, desired.backends, { signal: new AbortController().signal, deadlineMs: 10_000 });
  return makePlan({
    desired,
    artifacts: artifactsOf(desired),
    problems: [],
    traits: { world: worldBackend },
    observed,
    inventory,
    mode: told.mode ?? 'apply',
    targets: told.targets ?? [],
    replace: told.replace ?? [],
    allowDestroy: true,
    hash: sha256,
  });
}
