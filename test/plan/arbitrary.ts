import * as fc from 'fast-check';
import type { ModelSpec } from '../../src/domain/desired.ts';
import type { Inventory, ObservedBackend, ObservedInstance, Phase } from '../../src/domain/observed.ts';
import { estimateMemory } from '../../src/fit/index.ts';
import { makeWish, type Wish } from '../../src/plan/wish.ts';
import type { World } from './simulate.ts';
import { artifactOf, backendOf, desiredOf, GIB, modelOf, sha256, TRAITS, type Asked } from './stack.ts';

/** A stack and a world that it meets. */
export interface Meeting {
  readonly asked: Asked;
  readonly world: World;
}

export const SMALL = artifactOf('aa', GIB);
export const LARGE = artifactOf('bb', 2 * GIB);
const BACKENDS = [backendOf('a'), backendOf('b'), backendOf('c', 'fixed')];
const NAMES = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'];

/** Settings that a model has, had, or might have had. */
interface Variant {
  readonly backend: string;
  readonly context: number;
  readonly large: boolean;
  readonly label: string;
}

const variant: fc.Arbitrary<Variant> = fc.record({
  backend: fc.constantFrom('a', 'a', 'a', 'b', 'c'),
  context: fc.constantFrom(512, 1024),
  large: fc.boolean(),
  label: fc.constantFrom('x', 'y'),
});

interface Copy {
  readonly variant: Variant | 'wished';
  readonly phase: Phase;
  readonly foreign: boolean;
  readonly moved: boolean;
  /** Clients are sent to it. */
  readonly published: boolean;
}

const copy: fc.Arbitrary<Copy> = fc.record({
  variant: fc.oneof(variant, fc.constant('wished' as const)),
  phase: fc.constantFrom<Phase>('serving', 'serving', 'serving', 'starting', 'failed', 'unknown'),
  foreign: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  moved: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.boolean() }),
  published: fc.boolean(),
});

interface Story {
  readonly wished: Variant | null;
  readonly strategy: ModelSpec['rollout']['strategy'];
  readonly policy: 'correct' | 'warn' | 'ignore';
  readonly copies: readonly Copy[];
  readonly applied: Variant | 'wished' | null;
  readonly pending: boolean;
}

const story: fc.Arbitrary<Story> = fc.record({
  wished: fc.option(variant, { freq: 4 }),
  strategy: fc.constantFrom('auto', 'auto', 'auto', 'surge', 'swap', 'canary'),
  policy: fc.constantFrom('correct', 'correct', 'warn', 'ignore'),
  copies: fc.array(copy, { maxLength: 3 }),
  applied: fc.option(fc.oneof(variant, fc.constant('wished' as const)), { freq: 3 }),
  pending: fc.boolean(),
});

const status = fc.constantFrom<'up' | 'down' | 'no-engine'>('up', 'up', 'up', 'up', 'down', 'no-engine');

/** Stacks of up to six models on three backends, in worlds of every sort. */
export const meeting: fc.Arbitrary<Meeting> = fc
  .record({
    stories: fc.array(story, { minLength: 1, maxLength: NAMES.length }),
    status: fc.tuple(status, status, status),
    free: fc.integer({ min: 0, max: 8 }),
  })
  .map(({ stories, status: states, free }) => meetingOf(stories, states, free * GIB));

function meetingOf(stories: readonly Story[], states: readonly string[], freeBytes: number): Meeting {
  const models: ModelSpec[] = [];
  const copies: ObservedInstance[] = [];
  const inventory = {
    models: {} as Record<string, Inventory['models'][string]>,
    endpoints: {} as Record<string, { instance: string; url: string }>,
    pending: [] as Inventory['pending'][number][],
  };
  for (const [index, each] of stories.entries()) {
    const name = NAMES[index] as string;
    const wished = each.wished ?? { backend: 'a', context: 512, large: false, label: 'x' };
    const wish = wishOf(name, wished, each);
    if (each.wished !== null) models.push(wish.model);
    for (const described of each.copies) {
      const own = described.variant === 'wished' ? wish : wishOf(name, described.variant, each);
      const made = copyOf(own, described, copies.length + 1);
      // One process of ours per name: the driver starts no second one. The book has a case for the twin that somebody else made.
      if (copies.some((other) => other.owner === 'ours' && made.owner === 'ours' && other.id === made.id)) continue;
      copies.push(made);
      if (described.published && made.owner === 'ours') inventory.endpoints[name] = { instance: made.id, url: made.endpoint ?? '' };
    }
    const applied = each.applied === null ? null : each.applied === 'wished' ? wish : wishOf(name, each.applied, each);
    if (applied !== null) inventory.models[name] = { ...applied.applied, generation: 1, at: '2026-01-01T00:00:00Z' };
    if (each.pending) inventory.pending.push({ run: 'r1', step: `${name}.start`, op: 'start', model: name, at: '2026-01-01T00:00:00Z' });
  }
  const observed = BACKENDS.map((spec, index) => backendIn(spec.name, spec.type, states[index] ?? 'up', copies, freeBytes));
  const artifacts = Object.fromEntries(models.map((model) => [model.name, model.source.written.includes('bb') ? LARGE : SMALL]));
  return {
    asked: { desired: desiredOf(models, BACKENDS), artifacts },
    world: { observed, inventory: { generation: 1, appliedAt: '2026-01-01T00:00:00Z', ...inventory } },
  };
}

function wishOf(name: string, settings: Variant, { strategy, policy }: Story): Wish {
  const artifact = settings.large ? LARGE : SMALL;
  const spec = BACKENDS.find((backend) => backend.name === settings.backend) ?? backendOf('a');
  const model = modelOf(name, {
    backend: spec.name,
    context: settings.context,
    source: { kind: 'file', path: artifact.path, written: artifact.source },
    options: { label: settings.label },
    rollout: { strategy, holdMs: 0, drainMs: 60_000, bakeMs: 0 },
    drift: { default: policy, fields: {} },
  });
  const traits = spec.type === 'fixed' ? TRAITS.fixed : TRAITS.one;
  return makeWish(desiredOf([], BACKENDS), model, artifact, spec, traits, sha256);
}

function copyOf({ spec, artifact, model }: Wish, { phase, foreign, moved }: Copy, number: number): ObservedInstance {
  const estimate = estimateMemory(artifact, spec.fields);
  const alive = phase === 'serving';
  return {
    id: foreign ? `foreign-${number}` : spec.id,
    owner: foreign ? 'foreign' : 'ours',
    backend: spec.backend,
    model: model.name,
    specHash: foreign ? null : spec.specHash,
    phase,
    endpoint: `http://127.0.0.1:${number}`,
    configured: spec.fields,
    loaded: alive ? { ...spec.fields, kvCache: null, ...(moved ? { context: 256 } : {}) } : null,
    activeRequests: 0,
    memoryBytes: estimate === null ? null : estimate.weights + estimate.kv + estimate.compute,
    startedAt: '2026-01-01T00:00:00Z',
    process: { pid: number, started: `${number}` },
    logFile: null,
    problem: null,
  };
}

function backendIn(name: string, type: string, state: string, copies: readonly ObservedInstance[], freeBytes: number): ObservedBackend {
  const problem = { severity: 'error' as const, code: 'x', summary: 'It does not answer.' };
  if (state === 'down') return { status: 'unreachable', name, type, problem };
  return {
    status: 'reachable',
    name,
    type,
    engine: state === 'up' ? { status: 'present', at: '/bin/engine', version: '1', capabilities: [] } : { status: 'absent', problem },
    instances: copies.filter((each) => each.backend === name),
    memory: [{ kind: 'ram', name: 'ram', totalBytes: 64 * GIB, freeBytes }],
  };
}
