import { describe, expect, it } from 'vitest';
import { makePlan, type BackendTraits } from '../../src/plan/index.ts';
import { artifactOf, backendOf, desiredOf, GIB, modelOf, NOTHING, sha256, traitsOf } from './stack.ts';

/** The planner's work for so many models that do not run yet, counted in what it asks of its surroundings. */
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
  const hash = (text: string): string => {
    counts.hashes += 1;
    return sha256(text);
  };
  const models = Array.from({ length: size }, (_, index) => modelOf(`m${index}`));
  const artifacts = Object.fromEntries(models.map(({ name }) => [name, artifactOf('aa', GIB)]));
  const engine = { status: 'present' as const, at: '/bin/engine', version: '1', capabilities: [] };
  const observed = [{ status: 'reachable' as const, name: 'a', type: 'one', engine, instances: [], memory: [] }];
  const asked = { mode: 'apply' as const, targets: [], replace: [], allowDestroy: false, problems: [] };
  const plan = makePlan({
    ...asked,
    desired: desiredOf(models, [backendOf('a')]),
    artifacts,
    observed,
    inventory: NOTHING,
    traits: { one },
    hash,
  });
  return { ...counts, steps: plan.steps.length };
}

describe('The work of the planner', () => {
  it('grows with the number of models and no faster', () => {
    expect(work(1000)).toEqual({ fields: 1000, hashes: 1001, steps: 4000 });
    expect(work(10_000)).toEqual({ fields: 10_000, hashes: 10_001, steps: 40_000 });
  });
});
