import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portShared } from '../../src/backends/kit/side-by-side.ts';
import type { Artifact, ModelSpec } from '../../src/domain/desired.ts';
import type { AppliedModel, Endpoint, ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import type { Plan, Step } from '../../src/domain/plan.ts';
import { estimateMemory } from '../../src/fit/index.ts';
import type { BackendTraits } from '../../src/plan/index.ts';
import { makeWish, type Wish } from '../../src/plan/wish.ts';
import { copiesIn, essence, performAll, type World } from './simulate.ts';
import { artifactOf, backendOf, desiredOf, GIB, modelOf, planFor, sha256, TRAITS, type Asked } from './stack.ts';

const [SMALL, LARGE] = [artifactOf('aa', GIB), artifactOf('bb', 3 * GIB)];
const BACKENDS = [backendOf('a'), backendOf('b')];

/** An engine of this machine that can be told its port. */
const ported: BackendTraits = {
  ...TRAITS.one,
  prices: { ...TRAITS.one.prices, 'options.port': 'restart' },
  fields: (model, artifact, backend) => ({ ...TRAITS.one.fields(model, artifact, backend), 'options.port': portOf(model) }),
  mustSwap: (model, _backend, running) => portShared(model, running),
};

function portOf({ options }: ModelSpec): number | null {
  return typeof options['port'] === 'number' ? options['port'] : null;
}

function needOf(artifact: Artifact): number {
  const estimate = estimateMemory(artifact, { context: 512, parallel: 2 });
  return estimate === null ? 0 : estimate.weights + estimate.kv + estimate.compute;
}

/** One model: where it ran, and where it is to run. A port of null is one by chance, a place of null nowhere. */
interface Move {
  readonly name: string;
  readonly from: Place | null;
  readonly to: Place | null;
  readonly strategy: ModelSpec['rollout']['strategy'];
}

interface Place {
  readonly backend: string;
  readonly port: number | null;
  readonly large?: boolean;
}

/** Ports that copies have by chance; a model may well be told to take one of them. */
const CHANCE = 8100;

const permutations: fc.Arbitrary<readonly Move[]> = fc.integer({ min: 1, max: 6 }).chain((size) => {
  const ports = Array.from({ length: size }, (_, index) => 8001 + index);
  const all = [...ports, CHANCE, CHANCE + 1, CHANCE + 2];
  return fc
    .record({
      before: fc.shuffledSubarray(ports, { minLength: size }),
      after: fc.oneof(fc.shuffledSubarray(ports, { minLength: size }), fc.shuffledSubarray(all, { minLength: size, maxLength: size })),
      sides: fc.array(
        fc.record({
          runs: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
          stays: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
          chanceBefore: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
          chanceAfter: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
          sizes: fc.tuple(fc.boolean(), fc.boolean()),
          homes: fc.tuple(fc.constantFrom('a', 'a', 'b'), fc.constantFrom('a', 'a', 'b')),
          strategy: fc.constantFrom('auto', 'auto', 'auto', 'surge', 'swap'),
        }),
        { minLength: size, maxLength: size },
      ),
    })
    .map(({ before, after, sides }) =>
      sides.map(({ runs, stays, chanceBefore, chanceAfter, sizes, homes, strategy }, index): Move => ({
        name: `m${index}`,
        from: runs ? { backend: homes[0], large: sizes[0], port: chanceBefore ? null : (before[index] ?? null) } : null,
        to: stays ? { backend: homes[1], large: sizes[1], port: chanceAfter ? null : (after[index] ?? null) } : null,
        strategy: strategy as Move['strategy'],
      })),
    );
});

const meeting = fc.record({ moves: permutations, free: fc.integer({ min: 0, max: 20 }) });

function wishOf(name: string, { backend, port, large = false }: Place, strategy: Move['strategy']): Wish {
  const artifact = large ? LARGE : SMALL;
  const model = modelOf(name, {
    backend,
    source: { kind: 'file', path: artifact.path, written: artifact.source },
    options: port === null ? {} : { port },
    rollout: { strategy, holdMs: 0, drainMs: 60_000, bakeMs: 0 },
  });
  return makeWish(desiredOf([], BACKENDS), model, artifact, backendOf(backend), ported, sha256);
}

function worldOf({ moves, free }: { readonly moves: readonly Move[]; readonly free: number }): {
  readonly asked: Asked;
  readonly world: World;
} {
  const copies: ObservedInstance[] = [];
  const applied: Record<string, AppliedModel> = {};
  const endpoints: Record<string, Endpoint> = {};
  const models: ModelSpec[] = [];
  for (const [index, { name, from, to, strategy }] of moves.entries()) {
    if (to !== null) models.push(wishOf(name, to, strategy).model);
    if (from === null) continue;
    const wish = wishOf(name, from, strategy);
    const url = `http://127.0.0.1:${from.port ?? CHANCE + index}`;
    copies.push(serving(wish, url, index + 1));
    applied[name] = { ...wish.applied, generation: 1, at: '2026-01-01T00:00:00Z' };
    endpoints[name] = { instance: wish.spec.id, url };
  }
  const memory = [{ kind: 'ram' as const, name: 'ram', totalBytes: 64 * GIB, freeBytes: free * GIB }];
  const observed = BACKENDS.map(({ name, type }): ObservedBackend => ({
    status: 'reachable',
    name,
    type,
    engine: { status: 'present', at: '/bin/engine', version: '1', capabilities: [] },
    instances: copies.filter((copy) => copy.backend === name),
    memory,
  }));
  const artifacts = Object.fromEntries(models.map(({ name, source }) => [name, source.written === LARGE.source ? LARGE : SMALL]));
  return {
    asked: { desired: desiredOf(models, BACKENDS), artifacts, traits: { one: ported } },
    world: { observed, inventory: { generation: 1, appliedAt: '2026-01-01T00:00:00Z', models: applied, endpoints, pending: [] } },
  };
}

function serving({ spec, artifact }: Wish, endpoint: string, pid: number): ObservedInstance {
  return {
    id: spec.id,
    owner: 'ours',
    backend: spec.backend,
    model: spec.model,
    specHash: spec.specHash,
    phase: 'serving',
    endpoint,
    configured: spec.fields,
    loaded: spec.fields,
    activeRequests: 0,
    memoryBytes: needOf(artifact),
    startedAt: '2026-01-01T00:00:00Z',
    process: { pid, started: `${pid}` },
    logFile: null,
    problem: null,
  };
}

function picking(numbers: Iterator<number>): (ready: readonly Step[]) => Step {
  return (ready) => ready[(numbers.next().value as number) % ready.length] as Step;
}

function settle(world: World, asked: Asked): World {
  for (let round = 0; round < 5; round += 1) {
    const { steps } = planFor(world, asked);
    if (steps.length === 0) return world;
    world = performAll(world, steps).at(-1) as World;
  }
  throw new Error('planning and applying does not come to an end');
}

/** Models that are to take a port that one has by chance which stays as it is: nothing ends that one for them. */
function blockedBy(plan: Plan): readonly string[] {
  return plan.changes.flatMap((change) => (change.action === 'blocked' ? [change.problem.code] : []));
}

/** Moves whose ports by chance are nobody's wish. */
function isFree({ moves }: { readonly moves: readonly Move[] }): boolean {
  const wished = new Set(moves.map(({ to }) => to?.port));
  return moves.every(({ from }, index) => from === null || from.port !== null || !wished.has(CHANCE + index));
}

const RUNS = { numRuns: 300 };
const free = meeting.filter(isFree);

describe('Fixed ports that change hands', () => {
  it('are planned whatever the permutation: nothing is blocked', () => {
    fc.assert(
      fc.property(free, (each) => {
        const { asked, world } = worldOf(each);
        expect(blockedBy(planFor(world, asked))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('are free when a copy starts on one, in whatever order the steps are taken, and nothing is left to do', () => {
    fc.assert(
      fc.property(meeting, fc.infiniteStream(fc.nat()), (each, numbers) => {
        const { asked, world } = worldOf(each);
        // The simulated world throws where a copy starts on a port that another one has.
        const after = performAll(world, planFor(world, asked).steps, picking(numbers)).at(-1) as World;
        expect(planFor(after, asked).steps).toEqual([]);
        for (const { name, to } of isFree(each) ? each.moves : []) {
          const url = after.inventory.endpoints[name]?.url;
          expect(url === undefined).toBe(to === null);
          if (typeof to?.port === 'number') expect(url).toBe(`http://127.0.0.1:${to.port}`);
        }
      }),
      RUNS,
    );
  });

  it('end up with the same owners if the run is cut off after any step', () => {
    fc.assert(
      fc.property(meeting, fc.infiniteStream(fc.nat()), (each, numbers) => {
        const { asked, world } = worldOf(each);
        const worlds = performAll(world, planFor(world, asked).steps, picking(numbers));
        const whole = essence(settle(worlds.at(-1) as World, asked));
        for (const cut of worlds) expect(essence(settle(cut, asked))).toEqual(whole);
      }),
      { numRuns: 70 },
    );
  });

  it('make no gap where new comes before old', () => {
    fc.assert(
      fc.property(meeting, fc.infiniteStream(fc.nat()), (each, numbers) => {
        const { asked, world } = worldOf(each);
        const plan = planFor(world, asked);
        const surging = plan.changes.filter((change) => change.action === 'update' && change.replacement === 'surge');
        for (const now of performAll(world, plan.steps, picking(numbers))) {
          for (const { model } of surging) {
            const sent = now.inventory.endpoints[model]?.instance;
            expect(copiesIn(now.observed).some((copy) => copy.phase === 'serving' && copy.id === sent)).toBe(true);
          }
        }
      }),
      RUNS,
    );
  });

  it('take no more memory than there is, however late the stops come', () => {
    fc.assert(
      fc.property(meeting, (each) => {
        const { asked, world } = worldOf(each);
        const plan = planFor(world, asked);
        if (plan.problems.some(({ code }) => code === 'memory-short')) return;
        const late = (ready: readonly Step[]): Step => ready.find(({ op }) => op !== 'stop') ?? (ready[0] as Step);
        const used = performAll(world, plan.steps, late).map(({ observed }) =>
          copiesIn(observed).reduce((sum, { configured }) => sum + needOf(configured['digest'] === 'bb' ? LARGE : SMALL), 0),
        );
        expect(Math.max(...used) - (used[0] ?? 0)).toBeLessThanOrEqual(each.free * GIB);
      }),
      RUNS,
    );
  });

  it('end every old copy of a circle before any new one starts, and nobody else waits for that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), (size) => {
        const moves = Array.from({ length: size }, (_, index): Move => ({
          name: `m${index}`,
          from: { backend: 'a', port: 8001 + index },
          to: { backend: index % 2 === 0 ? 'a' : 'b', port: 8001 + ((index + 1) % size) },
          strategy: 'auto',
        }));
        const { asked, world } = worldOf({ moves, free: 20 });
        const plan = planFor(world, asked);
        expect(plan.changes.map((change) => change.action === 'update' && change.replacement)).toEqual(moves.map(() => 'swap'));
        const starts = plan.steps.filter(({ op }) => op === 'start');
        expect(starts.every(({ after }) => after.every((id) => id.endsWith('.stop-old')))).toBe(true);
        // What served before had a port that is somebody else's now: putting it back would take that away again.
        expect(starts.filter((step) => 'restore' in step)).toEqual([]);
      }),
    );
  });

  it('block those who wait for a copy that stays, and nobody else', () => {
    const moves: readonly Move[] = [
      { name: 'm0', from: { backend: 'a', port: 8001 }, to: { backend: 'a', port: 8002 }, strategy: 'auto' },
      { name: 'm1', from: { backend: 'b', port: 8002 }, to: { backend: 'b', port: CHANCE + 2 }, strategy: 'auto' },
      { name: 'm2', from: { backend: 'a', port: null }, to: { backend: 'a', port: null }, strategy: 'auto' },
      { name: 'm3', from: { backend: 'a', port: 8004 }, to: { backend: 'a', port: 8005 }, strategy: 'auto' },
    ];
    const { asked, world } = worldOf({ moves, free: 20 });
    const plan = planFor(world, asked);
    expect(plan.changes.map(({ action }) => action)).toEqual(['blocked', 'blocked', 'keep', 'update']);
    const moved = planFor(world, { ...asked, replace: ['m2'] });
    expect(moved.changes.map(({ action }) => action)).toEqual(['update', 'update', 'update', 'update']);
  });
});
