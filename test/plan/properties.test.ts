import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan, Step } from '../../src/domain/plan.ts';
import { estimateMemory } from '../../src/fit/index.ts';
import { LARGE, meeting, SMALL, type Meeting } from './arbitrary.ts';
import { copiesIn, essence, performAll, type World } from './simulate.ts';
import { planFor, type Asked } from './stack.ts';

const RUNS = { numRuns: 400 };

function check(property: (meeting: Meeting) => void): void {
  fc.assert(fc.property(meeting, property), RUNS);
}

/** Plans and applies until there is nothing left to do. */
function settle(world: World, asked: Asked): World {
  for (let round = 0; round < 5; round += 1) {
    const { steps } = planFor(world, asked);
    if (steps.length === 0) return world;
    world = performAll(world, steps).at(-1) as World;
  }
  throw new Error('planning and applying does not come to an end');
}

function last(worlds: readonly World[]): World {
  return worlds.at(-1) as World;
}

describe('A plan', () => {
  it('is the same, byte for byte, for the same input', () => {
    check(({ asked, world }) => {
      expect(JSON.stringify(planFor(structuredClone(world), asked))).toBe(JSON.stringify(planFor(world, asked)));
    });
  });

  it('has a change for each declared model and a cause for each change and step', () => {
    check(({ asked, world }) => {
      const plan = planFor(world, asked);
      const names = plan.changes.map(({ model }) => model);
      expect(names).toEqual([...new Set(names)].sort());
      expect(asked.desired.models.filter(({ name }) => !names.includes(name))).toEqual([]);
      expect([...plan.changes, ...plan.steps].filter(({ cause }) => cause.length < 5)).toEqual([]);
    });
  });

  it('puts each step after the ones it waits for, under a name of its own', () => {
    check(({ asked, world }) => {
      const done = new Set<string>();
      for (const step of planFor(world, asked).steps) {
        expect(step.after.filter((id) => !done.has(id))).toEqual([]);
        expect(done.has(step.id)).toBe(false);
        done.add(step.id);
      }
    });
  });

  it('has no step for what somebody else runs', () => {
    check(({ asked, world }) => {
      const foreign = new Set(
        copiesIn(world.observed)
          .filter(({ owner }) => owner === 'foreign')
          .map(({ id }) => id),
      );
      expect(planFor(world, asked).steps.filter((step) => foreign.has(step.instance))).toEqual([]);
    });
  });

  it('has no step on a backend that does not answer, nor for a copy whose state is not known', () => {
    check(({ asked, world }) => {
      const down = new Set(world.observed.filter(({ status }) => status === 'unreachable').map(({ name }) => name));
      const unknown = new Set(
        copiesIn(world.observed)
          .filter(({ phase, owner }) => phase === 'unknown' && owner === 'ours')
          .map(({ id }) => id),
      );
      const touching = planFor(world, asked).steps.filter((step) => ['start', 'probe', 'drain', 'stop'].includes(step.op));
      expect(touching.filter((step) => down.has(step.backend) || unknown.has(step.instance))).toEqual([]);
    });
  });

  it('only ends copies of models that it replaces, that are left over, or that are not declared', () => {
    check(({ asked, world }) => {
      const plan = planFor(world, asked);
      for (const step of plan.steps.filter(({ op }) => op === 'stop')) {
        const change = plan.changes.find(({ model }) => model === step.model);
        expect(['update', 'create', 'delete']).toContain(change?.action);
        if (change?.action === 'delete') expect(asked.desired.models.map(({ name }) => name)).not.toContain(step.model);
      }
    });
  });
});

describe('Carrying a plan out', () => {
  it('leaves nothing to do', () => {
    check(({ asked, world }) => {
      const after = last(performAll(world, planFor(world, asked).steps));
      const again = planFor(after, asked);
      expect(again.steps).toEqual([]);
      expect(again.changes.filter(({ action }) => action !== 'keep' && action !== 'blocked')).toEqual([]);
    });
  });

  it('ends in the same world in whatever order the steps that may go in parallel are taken', () => {
    fc.assert(
      fc.property(meeting, fc.infiniteStream(fc.nat()), ({ asked, world }, numbers) => {
        const { steps } = planFor(world, asked);
        const pick = (ready: readonly Step[]): Step => ready[(numbers.next().value as number) % ready.length] as Step;
        expect(essence(last(performAll(world, steps, pick)))).toEqual(essence(last(performAll(world, steps))));
      }),
      RUNS,
    );
  });

  it('can be cut off after any step: planning and applying again ends in the same world', () => {
    fc.assert(
      fc.property(meeting, fc.infiniteStream(fc.nat()), fc.boolean(), ({ asked, world }, numbers, inTheMiddle) => {
        const { steps } = planFor(world, asked);
        const pick = (ready: readonly Step[]): Step => ready[(numbers.next().value as number) % ready.length] as Step;
        const worlds = performAll(world, steps, pick);
        const whole = essence(settle(last(worlds), asked));
        for (const [index, cut] of worlds.entries()) {
          const next = steps[index];
          const pending =
            inTheMiddle && next ? [{ run: 'r2', step: next.id, op: next.op, model: next.model, at: '2026-01-01T00:00:00Z' }] : [];
          expect(essence(settle({ ...cut, inventory: { ...cut.inventory, pending } }, asked))).toEqual(whole);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('can do without any record: what runs as declared is not started anew', () => {
    check(({ asked, world }) => {
      const settled = settle(world, asked);
      const lost = { ...settled, inventory: { generation: null, appliedAt: null, models: {}, endpoints: {}, pending: [] } };
      const declared = new Set(asked.desired.models.map(({ name }) => name));
      const kept = new Set(
        planFor(settled, asked)
          .changes.filter(({ action }) => action === 'keep')
          .map(({ model }) => model),
      );
      const steps = planFor(lost, asked).steps.filter(({ model }) => declared.has(model) && kept.has(model));
      expect(steps.filter(({ op }) => op !== 'publish' && op !== 'record')).toEqual([]);
    });
  });
});

describe('New before old', () => {
  it('has no moment in which nothing serves, and clients are always sent to a copy that does', () => {
    check(({ asked, world }) => {
      const plan = planFor(world, asked);
      const names = surging(plan);
      const worlds = performAll(world, plan.steps);
      for (const name of names) {
        const sent = (each: World) =>
          copiesIn(each.observed).some((copy) => copy.phase === 'serving' && copy.id === each.inventory.endpoints[name]?.instance);
        for (const each of worlds)
          expect(copiesIn(each.observed).some((copy) => copy.owner === 'ours' && copy.model === name && copy.phase === 'serving')).toBe(
            true,
          );
        if (sent(world)) expect(worlds.every(sent)).toBe(true);
      }
    });
  });

  it('stops the old copy only after the new one has answered and clients are sent to it', () => {
    check(({ asked, world }) => {
      const plan = planFor(world, asked);
      const names = surging(plan);
      const before = transitive(plan.steps);
      for (const step of plan.steps.filter(({ op, model }) => op === 'stop' && names.has(model))) {
        expect(before.get(step.id)).toContain(`${step.model}.probe`);
        expect(before.get(step.id)).toContain(`${step.model}.publish`);
        expect(step.relies.some(({ is }) => is === 'serving')).toBe(true);
      }
    });
  });

  it('never plans more memory than is free, however late the stops come', () => {
    check(({ asked, world }) => {
      const plan = planFor(world, asked);
      if (plan.problems.some(({ code }) => code === 'memory-short')) return;
      const free = world.observed.flatMap((backend) => (backend.status === 'reachable' ? backend.memory : []))[0]?.freeBytes ?? 0;
      const used = performAll(world, plan.steps, stopsLast).map((each) => memoryIn(each));
      expect(Math.max(...used) - (used[0] ?? 0)).toBeLessThanOrEqual(free);
    });
  });
});

/** Models whose new copy starts beside the old one. */
function surging(plan: Plan): Set<string> {
  return new Set(plan.changes.filter((change) => change.action === 'update' && change.replacement === 'surge').map(({ model }) => model));
}

/** The order in which memory is given back as late as the plan allows. */
function stopsLast(ready: readonly Step[]): Step {
  return ready.find(({ op }) => op !== 'stop') ?? (ready[0] as Step);
}

/** Bytes that the living copies of ours take, as the planner estimates them. */
function memoryIn(world: World): number {
  const need = new Map<string, number>();
  for (const copy of copiesIn(world.observed)) {
    if (copy.owner !== 'ours') continue;
    need.set(
      `${copy.backend} ${copy.id}`,
      copy.memoryBytes ?? needOf(copy.configured['digest'] === 'bb', Number(copy.configured['context'])),
    );
  }
  return [...need.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function needOf(large: boolean, context: number): number {
  const estimate = estimateMemory(large ? LARGE : SMALL, { context, parallel: 2 });
  return estimate === null ? 0 : estimate.weights + estimate.kv + estimate.compute;
}

/** For each step, every step that must be done before it. */
function transitive(steps: readonly Step[]): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>();
  for (const step of steps) all.set(step.id, new Set(step.after.flatMap((id) => [id, ...(all.get(id) ?? [])])));
  return all;
}
