import { describe, expect, it } from 'vitest';
import { listGenerations } from '../../src/state/index.ts';
import { bench } from './helpers.ts';

describe('applying a plan', () => {
  it('starts, probes, publishes and records a model, and the next plan is empty', async () => {
    const { world, state, converge, plan } = await bench();
    const told = { models: { chat: {} } };
    const result = await converge(told);
    expect(result).toMatchObject({ outcome: 'succeeded', generation: 1, problems: [] });
    expect(result.steps.map((step) => [step.op, step.status])).toEqual([
      ['start', 'done'],
      ['probe', 'done'],
      ['publish', 'done'],
      ['record', 'done'],
    ]);
    const [instance] = [...world.realm('local').instances.values()];
    const { inventory } = await state.read();
    expect(instance?.phase).toBe('serving');
    expect(inventory.endpoints['chat']).toEqual({ instance: instance?.id, url: instance?.endpoint });
    expect(inventory.models['chat']).toMatchObject({ specHash: instance?.spec.specHash, generation: 1 });
    expect(inventory).toMatchObject({ generation: 1, pending: [] });
    expect((await plan(told)).steps).toEqual([]);
  });

  it('writes who did what and when into the history', async () => {
    const { dir, converge } = await bench();
    await converge({ models: { chat: {} } });
    const [generation] = await listGenerations(dir);
    expect(generation).toMatchObject({ number: 1, who: 'tester@here', outcome: 'succeeded', source: { text: 'version: 1\n' } });
    expect(generation?.steps.map((step) => step.status)).toEqual(['done', 'done', 'done', 'done']);
    expect(generation?.changes.map((change) => change.action)).toEqual(['create']);
  });
});
