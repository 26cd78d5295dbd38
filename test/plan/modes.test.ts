import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canApply, type Plan } from '../../src/domain/plan.ts';
import { meeting } from './arbitrary.ts';
import { copiesIn, essence, performAll, type World } from './simulate.ts';
import { planFor, type Asked } from './stack.ts';

const RUNS = { numRuns: 200 };

function down(world: World, asked: Asked): Plan {
  return planFor(world, { ...asked, mode: 'down' });
}

function finish(world: World, asked: Asked): World {
  return performAll(world, down(world, asked).steps).at(-1) as World;
}

describe('Down', () => {
  it('ends every copy of ours that can be reached, forgets it, and touches nothing else', () => {
    fc.assert(
      fc.property(meeting, ({ asked, world }) => {
        const after = finish(world, asked);
        const foreign = copiesIn(world.observed).filter(({ owner }) => owner === 'foreign');
        const seen = new Set(world.observed.filter(({ status }) => status === 'reachable').map(({ name }) => name));
        const lost = new Set(
          Object.entries(world.inventory.models)
            .filter(([, { backend }]) => !seen.has(backend))
            .map(([name]) => name),
        );
        const left = copiesIn(after.observed).filter(({ owner, model }) => owner === 'ours' && !lost.has(model ?? ''));
        expect(left).toEqual([]);
        expect(copiesIn(after.observed).filter(({ owner }) => owner === 'foreign')).toEqual(foreign);
        expect(Object.keys(after.inventory.models).filter((name) => !lost.has(name))).toEqual([]);
        expect(down(after, asked).steps).toEqual([]);
      }),
      RUNS,
    );
  });

  it('can be cut off after any step and taken up again', () => {
    fc.assert(
      fc.property(meeting, ({ asked, world }) => {
        const worlds = performAll(world, down(world, asked).steps);
        const whole = essence(worlds.at(-1) as World);
        for (const cut of worlds) expect(essence(finish(cut, asked))).toEqual(whole);
      }),
      RUNS,
    );
  });
});

describe('Looking only', () => {
  it('plans no step, and tells the same drift as a plan that acts', () => {
    fc.assert(
      fc.property(meeting, ({ asked, world }) => {
        const look = planFor(world, { ...asked, mode: 'refresh-only' });
        expect(look.steps).toEqual([]);
        expect(canApply(look)).toBe(false);
        expect(look.drift).toEqual(planFor(world, asked).drift);
      }),
      RUNS,
    );
  });
});

describe('Targets', () => {
  it('keep every step and change with the named models', () => {
    fc.assert(
      fc.property(meeting, ({ asked, world }) => {
        const plan = planFor(world, { ...asked, targets: ['m0'] });
        expect([...plan.steps, ...plan.changes].filter(({ model }) => model !== 'm0')).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('Protection', () => {
  it('lets no step touch a protected model that would be deleted, and refuses the plan', () => {
    fc.assert(
      fc.property(meeting, ({ asked, world }) => {
        const models = Object.fromEntries(
          Object.entries(world.inventory.models).map(([name, applied]) => [name, { ...applied, protect: true }]),
        );
        const guarded = { ...world, inventory: { ...world.inventory, models } };
        const plan = planFor(guarded, { ...asked, desired: { ...asked.desired, models: [] } });
        expect(plan.steps.filter(({ model }) => model in models)).toEqual([]);
        expect(canApply(plan)).toBe(Object.keys(models).length === 0 && plan.steps.length > 0);
      }),
      RUNS,
    );
  });
});

describe('The basis of a plan', () => {
  it('does not move with free memory, requests in flight, or what others run', () => {
    fc.assert(
      fc.property(meeting, ({ asked, world }) => {
        const observed = world.observed.map((backend) =>
          backend.status === 'unreachable'
            ? backend
            : {
                ...backend,
                memory: [],
                instances: backend.instances
                  .filter(({ owner }) => owner === 'ours')
                  .map((copy) => ({ ...copy, activeRequests: 9, memoryBytes: 1 })),
              },
        );
        expect(planFor({ ...world, observed }, asked).basis).toBe(planFor(world, asked).basis);
      }),
      RUNS,
    );
  });

  it('moves with every step that is carried out on the world', () => {
    fc.assert(
      fc.property(meeting, ({ asked, world }) => {
        const { steps } = planFor(world, asked);
        const worlds = performAll(world, steps);
        for (const [index, step] of steps.entries()) {
          if (step.op !== 'start' && step.op !== 'stop') continue;
          const [before, after] = [worlds[index] as World, worlds[index + 1] as World];
          expect(planFor(after, asked).basis).not.toBe(planFor(before, asked).basis);
        }
      }),
      RUNS,
    );
  });
});
