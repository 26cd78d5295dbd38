import { describe, expect, it } from 'vitest';
import { instancesOf, io, step } from '../../../test/contract/world.ts';
import { codeOf, useStage } from './fake/stage.ts';
import { fakeWeights, sha256 } from './fake/weights.ts';

const stage = useStage();

describe('The name that clients send', () => {
  it('is given, moved and taken away; twice is once', async () => {
    const [old, next] = [
      stage.world.spec({ options: { threads: 1, system: 'A.' } }),
      stage.world.spec({ options: { threads: 1, system: 'B.' } }),
    ];
    await stage.world.serve(stage.driver, old);
    await stage.publish(old);
    await stage.publish(old);
    expect((await stage.look(old)).names).toEqual(['chat']);
    await stage.world.serve(stage.driver, next);
    await stage.publish(next);
    expect([(await stage.look(old)).names, (await stage.look(next)).names]).toEqual([[], ['chat']]);
    await stage.withdraw(old); // no more its own
    expect((await stage.look(next)).names).toEqual(['chat']);
    await stage.withdraw(next);
    await stage.withdraw(next);
    expect((await stage.look(next)).names).toEqual([]);
    expect(await codeOf(stage.publish(stage.world.spec({ context: 256 })))).toBe('instance-gone');
  });

  it("that is somebody else's is never taken, not even if it was made from ours", async () => {
    const spec = stage.world.spec();
    await stage.world.serve(stage.driver, spec);
    await stage.publish(spec);
    await stage.user.post('/api/create', { model: 'chat', from: 'chat', system: 'Mine now.', stream: false });
    expect(await codeOf(stage.publish(spec))).toBe('name-taken');
    await stage.withdraw(spec);
    await stage.world.stop(stage.driver, spec, null);
    expect(stage.fake.store.model('chat')?.system).toBe('Mine now.');
  });

  it('that was left over by a copy which is gone is ours to move', async () => {
    const [old, next] = [stage.world.spec({ context: 256 }), stage.world.spec({ context: 512 })];
    await stage.world.serve(stage.driver, old);
    await stage.publish(old);
    await stage.user.remove(stage.fake.copies()[0] ?? '');
    await stage.world.serve(stage.driver, next);
    const observed = await stage.driver.observe(io().signal);
    expect(observed.status === 'reachable' && observed.engine.status === 'present' && observed.engine.capabilities).toEqual([]);
    await stage.publish(next);
    expect((await stage.look(next)).names).toEqual(['chat']);
  });

  it('goes with a copy that is stopped', async () => {
    const spec = stage.world.spec();
    await stage.world.serve(stage.driver, spec);
    await stage.publish(spec);
    await stage.world.stop(stage.driver, spec, null);
    expect(stage.fake.names()).toEqual([`llmops/base:${spec.weights.sha256}`]);
  });
});

describe('What others do on the same server', () => {
  it('6. a re-pulled tag leaves a stale runner behind: it is shown with what it holds, and ours is not moved by it', async () => {
    const desk = fakeWeights({ salt: 'desk' });
    const manifest = stage.fake.registry.publish('desk:8b', desk);
    const spec = stage.world.spec();
    const file = { path: 'model.gguf', bytes: desk.length, sha256: sha256(desk) };
    const origin = { kind: 'ollama' as const, host: 'registry.ollama.ai', name: 'library/desk', tag: '8b' };
    const ours = {
      ...spec,
      fields: { ...spec.fields, digest: file.sha256 },
      weights: { ...spec.weights, sha256: file.sha256, remote: { origin, manifest, files: [file] } },
    };
    await stage.world.serve(stage.driver, ours);
    await stage.publish(ours);
    await stage.user.post('/api/pull', { model: 'desk:8b' });
    await stage.user.post('/api/generate', { model: 'desk:8b', options: { num_thread: 1, num_gpu: 0, num_ctx: 512 }, stream: false });
    stage.fake.registry.publish('desk:8b', fakeWeights({ salt: 'moved' }));
    await stage.user.post('/api/pull', { model: 'desk:8b' });
    await stage.user.post('/api/generate', { model: 'desk:8b', stream: false });
    expect(await stage.user.ps()).toHaveLength(2);
    expect(await stage.look(ours)).toMatchObject({ phase: 'serving', names: ['chat'], configured: { digest: file.sha256 } });
    const foreign = instancesOf(await stage.driver.observe(io().signal)).filter(({ owner }) => owner === 'foreign');
    expect(foreign.map(({ model }) => model)).toEqual(['desk:8b']);
  });

  it('9. a GPU that was lost is seen by the memory that is not there any more', async () => {
    stage.fake.machine.gpuLayers = 99;
    const spec = stage.world.spec({ offload: { gpuLayers: 'all', cpuMoeLayers: null, devices: null } });
    expect((await stage.world.serve(stage.driver, spec)).loaded).toMatchObject({ 'offload.gpuLayers': 'all' });
    stage.fake.runners.loseGpu();
    expect(await stage.look(spec)).toMatchObject({
      phase: 'serving',
      configured: { 'offload.gpuLayers': 'all' },
      loaded: { 'offload.gpuLayers': 0 },
    });
  });

  it('is told from ours by the weights, too: a runner under another name holds what theirs holds', async () => {
    const spec = stage.world.spec();
    await stage.world.serve(stage.driver, spec);
    await stage.user.copy(stage.fake.copies()[0] ?? '', 'mine');
    await stage.world.stop(stage.driver, spec, null);
    await stage.user.post('/api/generate', { model: 'mine', stream: false });
    const [theirs] = instancesOf(await stage.driver.observe(io().signal));
    expect(theirs).toMatchObject({ owner: 'foreign', model: 'mine', configured: { digest: spec.weights.sha256 } });
    await stage.world.serve(stage.driver, spec);
    // The same load options: their runner serves ours as well, and stays when ours goes.
    await stage.world.stop(stage.driver, spec, null);
    expect((await stage.user.ps()).map(({ name }) => name)).toEqual(['mine:latest']);
  });

  it('a model of ours that somebody changed is made anew from the pristine weights', async () => {
    const spec = stage.world.spec({ options: { threads: 1, system: 'Be brief.' } });
    await stage.world.serve(stage.driver, spec);
    const [name = ''] = stage.fake.copies();
    await stage.user.post('/api/create', { model: name, from: name, system: 'Be rude.', parameters: { temperature: 2 }, stream: false });
    expect((await stage.look(spec)).configured['options.system']).toBe('Be rude.');
    await stage.driver.perform.start(step('start', spec, { spec }), io());
    expect((await stage.look(spec)).configured['options.system']).toBe('Be brief.');
    expect(stage.fake.store.model(name)?.options['temperature']).toBeUndefined();
  });
});
