import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { io, seen } from '../../../test/contract/world.ts';
import { problemOf } from '../../domain/problem.ts';
import { stackIdOf } from '../kit/marker.ts';
import { othersOn } from './fake/others.ts';
import { useStage } from './fake/stage.ts';
import { fakeWeights } from './fake/weights.ts';

const stage = useStage();

const { make: theirs, candidates, adopt } = othersOn(stage);

describe('A model of somebody else on the server', () => {
  it("is told by its weights, the one that clients call by the model's name first", async () => {
    await theirs('a-copy');
    await theirs('chat');
    await theirs('other', { parameters: { num_ctx: 256 } });
    const found = await candidates({ load: 'on-demand' });
    expect(found.map(({ copy }) => copy.names?.[0])).toEqual(['chat', 'a-copy', 'other']);
    expect(found[2]?.copy.configured).toMatchObject({ context: 256 });
  });

  it('that is not in memory stands for one that shall always be, too: taking it over loads it', async () => {
    await theirs('chat');
    const [found] = await candidates();
    expect(found).toMatchObject({ obstacle: null, copy: { phase: 'starting' }, warning: expect.stringContaining('loads it') as string });
    expect(Object.keys(found!.copy.configured)).not.toContain('context'); // nobody made it with one: what is declared differs from nothing
    expect((await candidates({ load: 'on-demand' }))[0]).toMatchObject({ obstacle: null, warning: null, copy: { phase: 'serving' } });
    await adopt(found!.copy.id);
    expect(await stage.look(stage.world.spec())).toMatchObject({
      owner: 'ours',
      names: ['chat'],
      phase: 'serving',
      loaded: { context: 512 },
    });
  });

  it('that is not in memory would throw out what is there of the same weights: that is left alone', async () => {
    await theirs('chat');
    await theirs('other', { parameters: { num_ctx: 1024 } });
    await stage.user.post('/api/generate', { model: 'other', prompt: 'a', stream: false });
    expect((await candidates())[0]).toMatchObject({ obstacle: expect.stringContaining('throw the other out') as string });
  });

  it('brings its own renderer and parser, which are declared or differ, and the copy has them', async () => {
    const built = { renderer: 'qwen3-coder', parser: 'qwen3' };
    await theirs('chat', built);
    const [found] = await candidates({ load: 'on-demand' });
    expect(found?.copy.configured).toMatchObject({ 'options.renderer': 'qwen3-coder', 'options.parser': 'qwen3' });
    const change = { load: 'on-demand' as const, options: built };
    await adopt(found!.copy.id, change);
    const { capabilities, modelfile } = await stage.user.post('/api/show', { model: 'chat' });
    expect(capabilities).toContain('tools');
    expect(modelfile).toMatch(/^RENDERER qwen3-coder\nPARSER qwen3$/m);
    expect(await stage.look(stage.world.spec(change))).toMatchObject({ configured: { 'options.renderer': 'qwen3-coder' } });
  });

  it('that brings a projector is not taken over: no key speaks of it', async () => {
    await theirs('chat', {}, fakeWeights({ projector: true }));
    const [found] = await candidates({ load: 'on-demand' });
    expect(found).toMatchObject({ obstacle: expect.stringContaining('brings the projector') as string });
  });

  it('of which our copy could do less is left, and what was made for it is taken back', async () => {
    await theirs('chat', { parser: 'qwen3' });
    const change = { load: 'on-demand' as const };
    const [found] = await candidates(change);
    const before = await stage.user.names();
    const lost = await adopt(found!.copy.id, change).catch((error: unknown) => error);
    expect(problemOf(lost)).toMatchObject({ code: 'engine-cannot', summary: expect.stringContaining('can do tools') as string });
    expect((await stage.user.names()).filter((name) => !name.startsWith('llmops/base'))).toEqual(before);
  });

  it('is told with what was set on it, whether llmops.yaml declares it or not', async () => {
    await theirs('chat', { parameters: { temperature: 0.3 }, system: 'Be short.' });
    const [found] = await candidates({ load: 'on-demand' });
    expect(found?.copy.configured).toMatchObject({ 'options.parameters': 'temperature 0.3', 'options.system': 'Be short.' });
  });

  it('becomes ours with its weights and its name, and what else stands for them stays', async () => {
    const change = { load: 'on-demand' as const };
    await theirs('chat');
    await theirs('a-copy');
    const before = await stage.user.digestOf('a-copy:latest');
    const [found] = await candidates(change);
    await adopt(found!.copy.id, change);
    const spec = stage.world.spec(change);
    expect(await stage.look(spec)).toMatchObject({ owner: 'ours', names: ['chat'], phase: 'serving' });
    expect(await stage.user.digestOf('a-copy:latest')).toBe(before);
    expect(await stage.user.ps()).toEqual([]); // nothing was loaded for it
    await stage.publish(spec);
    await adopt(found!.copy.id, change); // once more changes nothing
    expect(seen(await stage.driver.look(spec.id, io().signal)).names).toEqual(['chat']);
  });

  it('goes on with the runner that it has, and stays in memory from then on', async () => {
    await theirs('chat', { parameters: { num_ctx: 512, num_gpu: 0, num_thread: 1 } });
    await stage.user.post('/api/generate', { model: 'chat', prompt: 'a', stream: false });
    const [found] = await candidates({ context: 512 });
    expect(found).toMatchObject({ obstacle: null, copy: { phase: 'serving', loaded: { context: 512 } } });
    await adopt(found!.copy.id, { context: 512 });
    expect(await stage.user.ps()).toHaveLength(1);
    expect(await stage.look(stage.world.spec({ context: 512 }))).toMatchObject({ phase: 'serving', loaded: { context: 512 } });
  });

  it('that was changed since the plan is not taken over', async () => {
    expect(problemOf(await adopt('chat@0123456789ab').catch((error: unknown) => error))).toMatchObject({ code: 'instance-changed' });
  });

  it('gets its name back, as it was, once no copy of ours needs it', async () => {
    const change = { load: 'on-demand' as const, options: { system: 'Be short.' } };
    await theirs('chat', { system: 'Be short.' });
    const before = await stage.user.digestOf('chat:latest');
    const [found] = await candidates(change);
    await adopt(found!.copy.id, change);
    const spec = stage.world.spec(change);
    await stage.publish(spec);
    await stage.driver.retire?.(io().signal, new Set());
    expect(await stage.user.digestOf('chat:latest')).not.toBe(before);
    await stage.withdraw(spec);
    await stage.world.stop(stage.driver, spec, null);
    await stage.driver.retire?.(io().signal, new Set());
    expect(await stage.user.digestOf('chat:latest')).toBe(before);
    expect((await stage.user.names()).filter((name) => name.includes('original'))).toEqual([]);
  });

  it('that llmops made for another stack stands for no model of this one', async () => {
    const change = { load: 'on-demand' as const };
    await theirs('chat');
    const [found] = await candidates(change);
    await adopt(found!.copy.id, change);
    await stage.publish(stage.world.spec(change));
    const other = stage.world.connect({ stateDir: join(stage.world.dir, 'another-state') });
    const { path, sha256, bytes } = stage.world.spec(change).weights;
    const wanted = { model: stage.world.model(change), artifact: { path, sha256, bytes, source: 'file:chat.gguf', gguf: null } };
    expect(await other.candidates?.([wanted], io().signal)).toEqual([]);
  });

  it('is not taken for loaded because another one of the same weights is, with other load options', async () => {
    await theirs('chat', { parameters: { num_ctx: 256 } });
    await theirs('other', { parameters: { num_ctx: 1024 } });
    await stage.user.post('/api/generate', { model: 'other', prompt: 'a', stream: false });
    const found = await candidates({ context: 256, load: 'on-demand' });
    expect(found.map(({ copy }) => [copy.names?.[0], copy.loaded?.['context'] ?? null])).toEqual([
      ['chat', null],
      ['other', 1024],
    ]);
  });

  it('whose taking over was cut off before its name led to ours is given that name by the next publish', async () => {
    const change = { load: 'on-demand' as const };
    await theirs('chat');
    const [found] = await candidates(change);
    const spec = stage.world.spec(change);
    await adopt(found!.copy.id, change);
    await stage.user.copy(`llmops/original-chat:contract.${stackIdOf(stage.world.stateDir)}`, 'chat'); // as it was before the last act
    expect(await stage.look(spec)).toMatchObject({ names: [] });
    await stage.publish(spec);
    expect(await stage.look(spec)).toMatchObject({ names: ['chat'] });
  });
});
