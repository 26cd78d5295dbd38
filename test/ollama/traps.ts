import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backend } from '../../src/backends/ollama/index.ts';
import type { Driver } from '../../src/domain/backend.ts';
import type { Artifact, InstanceSpec } from '../../src/domain/desired.ts';
import type { ObservedInstance } from '../../src/domain/observed.ts';
import { eventually, instancesOf, io, seen, step, World, type Conformance } from '../contract/world.ts';
import { userOf, type User } from './user.ts';

/**
 * The traps of Ollama that can be shown on any server, each under its name (they are listed in docs/ollama.md). What takes a
 * GPU or a registry is shown where there is one.
 */
export function describeTraps(conformance: Conformance): void {
  let world: World;
  let user: User;
  let driver: Driver;
  beforeEach(async () => {
    world = await World.open(conformance);
    user = userOf(String(world.backendSpec().options['url']));
    driver = world.connect();
  });
  afterEach(() => world.end());

  const publish = (spec: InstanceSpec) => driver.perform.publish?.(step('publish', spec, {}), io());
  const look = async (spec: InstanceSpec, by = driver): Promise<ObservedInstance> => seen(await by.look(spec.id, io().signal));
  const ask = (model: string, more: object = {}) => user.post('/api/generate', { model, prompt: 'Hello', stream: false, ...more });
  const withSystem = (system: string) => world.spec({ options: { threads: 1, system } });

  describe(`Traps of ${conformance.name}`, () => {
    it('1. one runner for each weight blob: copies that load alike share it, and are found by the blob and not by the name on the list', async () => {
      const [old, next] = [withSystem('Be brief.'), withSystem('Be kind.')];
      await world.serve(driver, old);
      await world.serve(driver, next);
      const rows = await user.ps();
      expect(rows.map(({ digest }) => digest)).toEqual([await digestOf(old)]);
      expect(await look(next)).toMatchObject({ phase: 'serving', loaded: { context: 512 } });
      await world.stop(driver, old, null);
      // The list goes on to show the copy that is gone; whoever asks anew still knows what it holds.
      expect((await user.ps()).map(({ name }) => name)).toEqual([rows[0]?.name]);
      expect((await look(next, world.connect())).phase).toBe('serving');
    });

    it('1. a runner that nobody can tell any more is loaded anew by the probe, once', async () => {
      const [old, next] = [withSystem('Be brief.'), withSystem('Be kind.')];
      await world.serve(driver, old);
      await publish(old);
      await user.post('/api/generate', { model: 'chat', keep_alive: 0, stream: false });
      await eventually(async () => (await user.ps()).length === 0);
      await ask('chat'); // the list shows a name that will stand for something else
      await world.serve(driver, next);
      await publish(next);
      await world.stop(driver, old, null);
      rmSync(join(world.dir, 'cache'), { recursive: true, force: true });
      const fresh = world.connect();
      expect((await look(next, fresh)).phase).toBe('starting');
      await fresh.perform.probe(step('probe', next, { spec: next, onFailure: 'leave' }), io());
      expect((await look(next, fresh)).phase).toBe('serving');
    });

    it('1. copies of the same weights that load otherwise cannot run side by side, and the planner is told', () => {
      const { fields } = world.spec({ context: 256 });
      const artifact = { sha256: String(fields['digest']), source: 'file:chat.gguf', path: '', bytes: 1, gguf: null } satisfies Artifact;
      const other = { ...artifact, sha256: 'ff', source: 'file:other.gguf' };
      const may = (context: number, weights?: Artifact) =>
        backend.mustSwap(world.model({ context }), world.backendSpec(), fields, weights) === null;
      expect([may(512, artifact), may(512, other), may(256, artifact), may(512)]).toEqual([false, true, true, false]);
    });

    it('1. two models of the same weights that load otherwise would evict each other: the second is refused before it does', async () => {
      const [chat, talk] = [world.spec(), world.spec({ name: 'talk', context: 256 })];
      await world.serve(driver, chat);
      await publish(chat);
      await expect(world.serve(driver, talk)).rejects.toMatchObject({ problem: { code: 'weights-shared' } });
      expect(await look(chat)).toMatchObject({ phase: 'serving', loaded: { context: 512 } });
      const alike = world.spec({ name: 'twin' });
      expect((await world.serve(driver, alike)).phase).toBe('serving');
    });

    it('2. any differing load option reloads: settings are baked in, so that a client without options meets them', async () => {
      const spec = world.spec({ context: 256 });
      await world.serve(driver, spec);
      await publish(spec);
      await ask('chat');
      expect((await user.ps()).map((row) => row.context_length)).toEqual([256]);
    });

    it('2. a client that sends options of its own is seen as drift of what is loaded', async () => {
      const spec = world.spec({ context: 512 });
      await world.serve(driver, spec);
      await publish(spec);
      await ask('chat', { options: { num_ctx: 300 } });
      expect(await look(spec)).toMatchObject({ phase: 'serving', configured: { context: 512 }, loaded: { context: 300 } });
      await world.stop(driver, spec, null);
      expect((await world.serve(driver, spec)).loaded).toMatchObject({ context: 512 });
    });

    it('3. a number of layers that is left open never reloads: taking it away needs an unload, so old goes before new', async () => {
      const [asked, open] = [world.spec(), world.spec({ offload: { gpuLayers: null, cpuMoeLayers: null, devices: null } })];
      const model = world.model({ offload: { gpuLayers: null, cpuMoeLayers: null, devices: null } });
      await world.serve(driver, asked);
      expect(backend.mustSwap(model, world.backendSpec(), asked.fields)).not.toBeNull();
      await world.stop(driver, asked, null);
      expect(await user.ps()).toEqual([]);
      await world.serve(driver, open);
      expect((await user.ps()).map(({ digest }) => digest)).toEqual([await digestOf(open)]);
    });

    it('4. the OpenAI dialect cannot set a context: it meets the one that is declared', async () => {
      const spec = world.spec({ context: 256 });
      await world.serve(driver, spec);
      await publish(spec);
      const answer = await user.post('/v1/chat/completions', { model: 'chat', max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] });
      expect(answer['choices']).toHaveLength(1);
      expect((await user.ps()).map((row) => row.context_length)).toEqual([256]);
    });

    it('5. a change of the prompt needs no reload: clients meet it with their next request', async () => {
      const [old, next] = [withSystem('Be brief.'), withSystem('Be kind.')];
      await world.serve(driver, old);
      await publish(old);
      const before = await user.ps();
      await world.serve(driver, next);
      await publish(next);
      await driver.perform.drain(step('drain', old, {}), io());
      await world.stop(driver, old, null);
      expect((await user.post('/api/show', { model: 'chat' }))['system']).toBe('Be kind.');
      await ask('chat');
      expect((await user.ps()).map(({ digest }) => digest)).toEqual(before.map(({ digest }) => digest));
    });

    it('5. a change of a load option is sequential: the old copy is out of memory before the new one loads', async () => {
      const [old, next] = [world.spec({ context: 256 }), world.spec({ context: 512 })];
      await world.serve(driver, old);
      await world.stop(driver, old, null);
      expect(await user.ps()).toEqual([]);
      expect((await world.serve(driver, next)).loaded).toMatchObject({ context: 512 });
    });

    it('10. names that differ in case are one name: a user has Chat, so chat is not ours to give', async () => {
      const spec = world.spec();
      await world.serve(driver, spec);
      await user.copy(await nameOf(spec), 'Chat');
      await user.post('/api/create', { model: 'Chat', from: await nameOf(spec), system: 'Mine.', stream: false });
      const mine = await user.digestOf('Chat:latest');
      await expect(publish(spec)).rejects.toMatchObject({ problem: { code: 'name-taken' } });
      const observed = await driver.observe(io().signal);
      expect(backend.check(world.model(), artifactOf(spec), world.backendSpec(), observed)).toContainEqual(
        expect.objectContaining({ code: 'name-taken', severity: 'error' }),
      );
      expect(await user.digestOf('Chat:latest')).toBe(mine);
    });

    it('10. a spelling that somebody else brought is read as the same name', async () => {
      const spec = world.spec();
      const name = await world.serve(driver, spec).then(() => nameOf(spec));
      await user.copy(name, 'LLMOPS/CHAT:other');
      await world.stop(driver, spec, null);
      await user.copy('llmops/chat:OTHER', 'llmops/Talk:x');
      await world.serve(driver, spec);
      expect(
        instancesOf(await driver.observe(io().signal))
          .filter(({ owner }) => owner === 'ours')
          .map(({ id }) => id),
      ).toEqual([spec.id]);
    });

    async function nameOf(spec: InstanceSpec): Promise<string> {
      const found = (await user.names()).find((name) => name.toLowerCase().startsWith(`llmops/${spec.model}:${spec.specHash}`));
      if (found === undefined) throw new Error(`${spec.id} is not on the list`);
      return found;
    }

    async function digestOf(spec: InstanceSpec): Promise<string> {
      return (await user.digestOf(await nameOf(spec))) ?? '';
    }
  });
}

function artifactOf({ weights, fields }: InstanceSpec): Artifact {
  return { source: String(fields['source']), path: weights.path, bytes: weights.bytes, sha256: weights.sha256, gguf: null };
}
