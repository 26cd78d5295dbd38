import { describe, expect, it } from 'vitest';
import { makePlan, type BackendTraits } from '../../src/plan/index.ts';
import { performAll, type World } from './simulate.ts';
import { artifactOf, backendOf, desiredOf, GIB, modelOf, NOTHING, sha256, traitsOf } from './stack.ts';

/** The planner's work for `size` models, counted in what it asks of its surroundings. */
function work(size: number): { readonly fields: number; readonly hashes: number; readonly steps: number } {
  const counts = { fields: 0, hashes: 0 };
  const base = traitsOf('one', true);
  const one: BackendTraits = {
    ...base,
    fields: (...given) => {
      counts.fields += 1;
      return base.fields(...given);
    },
  };
  const models = Array.from({ length: size }, (_, index) => modelOf(`m${index}`, { backend: 'a' }));
  const engine = { status: 'present' as const, at: '/bin/engine', version: '1', capabilities: [] };
  const memory = [{ kind: 'ram' as const, name: 'ram', totalBytes: size * GIB, freeBytes: size * 2 * GIB }];
  const observed = [{ status: 'reachable' as const, name: 'a', type: 'one', engine, instances: [], memory }];
  const ask = (world: World): ReturnType<typeof makePlan> =>
    makePlan({
      ...world,
      desired: desiredOf(models, [backendOf('a')]),
      artifacts: Object.fromEntries(models.map(({ name }) => [name, artifactOf('aa', GIB)])),
      problems: [],
      traits: { one },
      mode: 'apply',
      targets: [],
      replace: [],
      allowDestroy: false,
      hash: (text) => {
        counts.hashes += 1;
        return sha256(text);
      },
    });
  const first = ask({ observed, inventory: NOTHING });
  const inRow = performAll({ observed: [{ ...observed[0]!, instances: [] }], inventory: NOTHING }, size > 100 ? [] : first.steps).at(-1) as World;
  if (size <= 100) expect(ask(inRow).steps).toEqual([]);
  return { fields: counts.fields, hashes: counts.hashes, steps: first.steps.length };
}

describe('The work of the planner', () => {
  it('grows with the number of models and no faster', () => {
    expect(work(1000)).toEqual({ fields: 1000, hashes: 1001, steps: 4000 });
    expect(work(10_000)).toEqual({ fields: 10_000, hashes: 10_001, steps: 40_000 });
  });
});
