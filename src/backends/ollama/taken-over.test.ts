import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instancesOf, io, step } from '../../../test/contract/world.ts';
import type { Driver } from '../../domain/backend.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import { problemOf } from '../../domain/problem.ts';
import { othersOn } from './fake/others.ts';
import { useStage } from './fake/stage.ts';

const stage = useStage();
const others = othersOn(stage);
const ON_DEMAND = { load: 'on-demand' as const };

/** Names of users. */
async function theirNames(): Promise<readonly string[]> {
  return (await stage.user.names()).filter((name) => !name.startsWith('llmops/')).sort();
}

async function retire(applied: readonly string[] = [], by = stage.driver) {
  return by.retire?.(io().signal, new Set(applied));
}

async function down(spec: InstanceSpec, by = stage.driver): Promise<void> {
  await by.perform.withdraw?.(step('withdraw', spec, {}), io());
  await by.perform.drain(step('drain', spec, {}), io());
  await stage.world.stop(by, spec, null);
}

async function removeCopies(): Promise<void> {
  for (const copy of stage.fake.copies()) await stage.user.remove(copy);
}

describe('What was taken over is given back', () => {
  it('in the case in which it was called', async () => {
    await others.make('Chat');
    await others.take(ON_DEMAND);
    await down(stage.world.spec(ON_DEMAND));
    await retire();
    expect(await theirNames()).toEqual(['Chat:latest']);
  });

  it('not while its model is on record: a copy that is gone comes back', async () => {
    await others.make('chat', { system: 'Be short.' });
    const before = await stage.user.digestOf('chat:latest');
    const change = { ...ON_DEMAND, options: { system: 'Be short.' } };
    await others.take(change);
    await stage.user.remove('chat');
    await removeCopies(); // as after a crash between stop and start
    await retire(['chat']);
    expect(await theirNames()).toEqual([]);
    await stage.world.start(stage.driver, stage.world.spec(change));
    await stage.publish(stage.world.spec(change));
    await down(stage.world.spec(change));
    await retire();
    expect(await stage.user.digestOf('chat:latest')).toBe(before);
  });

  it('and can be taken over anew if it has its name again while its model is on record', async () => {
    await others.make('chat');
    await others.take(ON_DEMAND);
    await stage.user.remove('chat');
    await removeCopies();
    await retire();
    const [found] = await others.candidates(ON_DEMAND);
    expect(found).toMatchObject({ obstacle: null, copy: { names: ['chat'] } });
    await others.adopt(found!.copy.id, ON_DEMAND);
    expect(await stage.look(stage.world.spec(ON_DEMAND))).toMatchObject({ names: ['chat'] });
  });

  it('also where the copy is gone and its name still leads to what it left', async () => {
    await others.make('chat', { system: 'Be short.' });
    const before = await stage.user.digestOf('chat:latest');
    await others.take({ ...ON_DEMAND, options: { system: 'Be short.' } });
    await removeCopies();
    rmSync(stage.world.stateDir, { recursive: true });
    expect(await retire([], stage.world.connect())).toEqual([]);
    expect(await stage.user.digestOf('chat:latest')).toBe(before);
    expect(await stage.user.names()).not.toContainEqual(expect.stringContaining('original'));
  });

  it('under no name that somebody gave to something else meanwhile: it is kept, and that is told', async () => {
    await others.make('chat', { system: 'Be short.' });
    const before = await stage.user.digestOf('chat:latest');
    const change = { ...ON_DEMAND, options: { system: 'Be short.' } };
    await others.take(change);
    await stage.user.post('/api/create', { model: 'chat', from: 'chat', system: 'Be long.', stream: false });
    const theirs = await stage.user.digestOf('chat:latest');
    await down(stage.world.spec(change));
    const [problem] = (await retire()) ?? [];
    const kept = (await stage.user.names()).find((name) => name.startsWith('llmops/original-chat')) ?? '';
    expect(problem).toMatchObject({ code: 'name-taken', summary: expect.stringContaining(`kept as ${kept}`) as string });
    expect([await stage.user.digestOf('chat:latest'), await stage.user.digestOf(kept)]).toEqual([theirs, before]);
    await stage.user.copy(kept, 'mine'); // as the problem says
    expect(await retire()).toEqual([]);
    expect(await theirNames()).toEqual(['chat:latest', 'mine:latest']);
  });
});

describe('A runner', () => {
  const load = (model: string, keep?: number) =>
    stage.user.post('/api/generate', { model, stream: false, ...(keep && { keep_alive: keep }) });
  const settings = { parameters: { num_ctx: 512, num_gpu: 0, num_thread: 1 } };
  const isEndless = async () => (await stage.user.ps()).map(({ expires_at }) => Date.parse(expires_at) > Date.UTC(2200));

  it('of what was taken over ends with the copy, by whatever name it was loaded', async () => {
    await others.make('desk:q4', settings);
    await load('desk:q4');
    await others.take();
    expect(await isEndless()).toEqual([true]);
    expect(instancesOf(await stage.driver.observe(io().signal)).map(({ owner }) => owner)).toEqual(['ours']); // and nobody else's
    await down(stage.world.spec());
    expect(await stage.user.ps()).toEqual([]);
    await retire();
    expect(await theirNames()).toEqual(['desk:q4']);
    expect(await stage.user.names()).not.toContainEqual(expect.stringContaining('taken'));
  });

  it('that somebody else loaded of the same weights goes when it would have gone without us', async () => {
    await others.make('mine', settings);
    await load('mine');
    await stage.world.serve(stage.driver, stage.world.spec());
    expect(await isEndless()).toEqual([true]);
    await down(stage.world.spec());
    expect(await isEndless()).toEqual([false]);
  });

  it('that somebody else asked to stay for ever stays', async () => {
    await others.make('mine', settings);
    await load('mine', -1);
    await stage.world.serve(stage.driver, stage.world.spec());
    await down(stage.world.spec());
    expect(await isEndless()).toEqual([true]);
  });

  it('that copies share ends with the last of them, also when all end at the same time', async () => {
    const specs = ['a', 'b', 'c'].map((name) => stage.world.spec({ name }));
    for (const spec of specs) {
      await stage.world.start(stage.driver, spec);
      await stage.publish(spec);
    }
    await load('b', -1);
    await Promise.all(specs.map((spec) => down(spec)));
    expect([await stage.user.ps(), stage.fake.copies()]).toEqual([[], []]);
  });
});

describe('Two stacks', () => {
  const other = (): Driver => stage.world.connect({ stateDir: join(stage.world.dir, 'another-state') });

  it('take one model over once: the second one is told whose it is', async () => {
    await others.make('desk:q4');
    await others.take({ ...ON_DEMAND, name: 'alpha' });
    const [found] = await others.candidates({ ...ON_DEMAND, name: 'beta' }, other());
    expect(found?.obstacle).toBe('belongs to the stack contract, which took it over as alpha');
    expect(await others.candidates({ ...ON_DEMAND, name: 'beta' })).toEqual([]); // nor does the same stack for another model
    const before = await stage.user.names();
    const refused = await others.adopt(found!.copy.id, { ...ON_DEMAND, name: 'beta' }, other()).catch((error: unknown) => error);
    expect(problemOf(refused)).toMatchObject({ code: 'instance-foreign', summary: expect.stringContaining('as alpha') as string });
    expect(await stage.user.names()).toEqual(before);
    await down(stage.world.spec({ ...ON_DEMAND, name: 'alpha' }));
    await retire();
    expect((await others.candidates({ ...ON_DEMAND, name: 'beta' }, other()))[0]?.obstacle).toBeNull();
  });

  it.each([
    ['alpha', 'beta'],
    ['chat', 'chat'],
  ])(
    'that reach for it in the same moment, as %s and as %s: one has it, the other is told so and leaves nothing',
    async (first, second) => {
      await others.make('chat');
      const drivers = [stage.driver, other()];
      const changes = [first, second].map((name) => ({ ...ON_DEMAND, name }));
      const [found] = await others.candidates(changes[0]);
      const ends = await Promise.allSettled(drivers.map((driver, index) => others.adopt(found!.copy.id, changes[index], driver)));
      const lost = ends.filter((end) => end.status === 'rejected').map(({ reason }) => problemOf(reason));
      expect(lost).toMatchObject([{ code: 'instance-foreign', summary: expect.stringContaining('which took it over as') as string }]);
      expect(stage.fake.copies()).toHaveLength(1);
      expect((await stage.user.names()).filter((name) => /^llmops.(taken|original)/.test(name))).toHaveLength(1);
    },
  );
});
