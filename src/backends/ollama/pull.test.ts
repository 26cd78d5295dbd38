import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { io, step, World } from '../../../test/contract/world.ts';
import type { Driver } from '../../domain/backend.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import { fullName } from './names.ts';
import { worldOn } from './fake/conformance.ts';
import { FakeOllama } from './fake/server.ts';
import { fakeWeights, sha256, writeFakeWeights } from './fake/weights.ts';

const DESK = 'registry.ollama.ai/library/desk:8b';
const WEIGHTS = fakeWeights({ salt: 'desk' });

let fake: FakeOllama;
let world: World;
let driver: Driver;
beforeEach(async () => {
  fake = await FakeOllama.start();
  world = await worldOn(fake);
  driver = world.connect();
});
afterEach(() => world.end());

/** An instance of a tag in a registry, pinned to what it stood for when this is called. */
function pinned(manifest: string, weights = WEIGHTS, host = 'registry.ollama.ai'): InstanceSpec {
  const spec = world.spec();
  const file = { path: 'model.gguf', bytes: weights.length, sha256: sha256(weights) };
  const origin = { kind: 'ollama' as const, host, name: 'library/desk', tag: '8b' };
  const remote = { origin, manifest, files: [file] };
  return {
    ...spec,
    fields: { ...spec.fields, digest: file.sha256 },
    weights: { path: '', sha256: file.sha256, bytes: file.bytes, remote },
  };
}

const pull = (spec: InstanceSpec, said?: (message: string) => void) =>
  driver.perform.pull?.(step('pull', spec, { weights: spec.weights }), io(said)) ?? Promise.reject(new Error('no pull'));
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { problem?: { code: string } }) => error.problem?.code ?? String(error),
  );
const held = async () => {
  const observed = await driver.observe(io().signal);
  return observed.status === 'reachable' ? observed.held : null;
};

describe('Pulling a tag', () => {
  it('keeps what was pinned under a name of ours, and leaves no other name', async () => {
    const manifest = fake.registry.publish(DESK, WEIGHTS, { system: 'From the registry.' });
    const spec = pinned(manifest);
    expect(await held()).toEqual([]);
    await pull(spec);
    expect(fake.names()).toEqual([`llmops/base:${manifest}`]);
    expect(await held()).toEqual([manifest]);
    const seen = await world.serve(driver, spec);
    expect(seen).toMatchObject({ phase: 'serving', configured: { digest: sha256(WEIGHTS) } });
  });

  it('tells bytes of each layer, and what the server does besides', async () => {
    const spec = pinned(fake.registry.publish(DESK, WEIGHTS));
    const moved: unknown[] = [];
    const said: string[] = [];
    const told = {
      signal: io().signal,
      progress: (message: string) => void said.push(message),
      transfer: (...words: readonly unknown[]) => void moved.push(words),
    };
    await driver.perform.pull?.(step('pull', spec, { weights: spec.weights }), told);
    expect(moved).toContainEqual([`desk:8b (layer ${sha256(WEIGHTS).slice(0, 12)})`, WEIGHTS.length, WEIGHTS.length]);
    expect(said.some((message) => message.includes('verifying'))).toBe(true);
  });

  it('twice is once: what is held is not asked for again', async () => {
    const spec = pinned(fake.registry.publish(DESK, WEIGHTS));
    await pull(spec);
    const before = fake.requests.length;
    await pull(spec);
    expect(fake.requests.slice(before).filter((request) => !request.startsWith('GET') && request !== 'POST /api/show')).toEqual([]);
  });

  it('that somebody has already takes no byte: their model stays theirs', async () => {
    const manifest = fake.registry.publish(DESK, WEIGHTS);
    await fetch(`${fake.url}/api/pull`, { method: 'POST', body: JSON.stringify({ model: 'desk:8b' }) }).then((answer) => answer.text());
    const before = fake.requests.filter((request) => request === 'POST /api/pull').length;
    await pull(pinned(manifest));
    expect(fake.requests.filter((request) => request === 'POST /api/pull')).toHaveLength(before);
    expect([...fake.names()].sort()).toEqual(['desk:8b', `llmops/base:${manifest}`]);
  });

  it('that moved is said, with what it was and what it is, and changes nothing', async () => {
    const spec = pinned(fake.registry.publish(DESK, WEIGHTS));
    const now = fake.registry.publish(DESK, fakeWeights({ salt: 'newer' }));
    await expect(pull(spec)).rejects.toMatchObject({
      problem: {
        code: 'tag-moved',
        summary: expect.stringContaining(`${now.slice(0, 12)} instead of ${spec.weights.remote?.manifest?.slice(0, 12)}`) as string,
        fix: expect.stringContaining('llmops lock --upgrade chat') as string,
      },
    });
    expect(fake.names()).toEqual([]);
    expect(await held()).toEqual([]);
  });

  it("leaves a user's older tag as it was, whether the pull brings what was pinned or not", async () => {
    const old = fake.registry.publish(DESK, fakeWeights({ salt: 'older' }));
    await fetch(`${fake.url}/api/pull`, { method: 'POST', body: JSON.stringify({ model: 'desk:8b' }) }).then((answer) => answer.text());
    const spec = pinned(fake.registry.publish(DESK, WEIGHTS));
    await pull(spec);
    expect(fake.store.model('desk:8b')?.digest).toBe(old);
    fake.registry.publish(DESK, fakeWeights({ salt: 'newest' }));
    expect(
      // Weights that nobody has: those that the server holds under another name would be taken from there.
      await codeOf(pull(pinned('ab'.repeat(32), fakeWeights({ salt: 'nowhere' })))),
    ).toBe('tag-moved');
    expect(fake.store.model('desk:8b')?.digest).toBe(old);
    expect(fake.store.blobs.has(`sha256:${sha256(fakeWeights({ salt: 'older' }))}`)).toBe(true);
    expect(fake.names().filter((name) => name.includes('kept'))).toEqual([]);
  });

  it("gives a user's tag back at the next run if it was killed in between", async () => {
    const old = fake.registry.publish(DESK, fakeWeights({ salt: 'older' }));
    await fetch(`${fake.url}/api/pull`, { method: 'POST', body: JSON.stringify({ model: 'desk:8b' }) }).then((answer) => answer.text());
    const spec = pinned(fake.registry.publish(DESK, WEIGHTS));
    fake.faults.cutStreamsAfter = 99;
    const pulling = pull(spec, (message) => {
      if (message.includes('writing manifest')) fake.faults.page = 'nobody is there';
    });
    await expect(pulling).rejects.toThrow();
    fake.faults.page = null;
    expect(fake.store.model('desk:8b')?.digest).not.toBe(old);
    await world.connect().tend?.();
    expect(fake.store.model('desk:8b')?.digest).toBe(old);
    expect(fake.names().filter((name) => name.includes('kept'))).toEqual([]);
  });

  it.each([
    ['an error inside status 200', (): void => void fake.registry.faults.set(fullName(DESK), { cutAfter: [3] }), 'registry-unreachable'],
    ['a corrupt layer', (): void => void fake.registry.faults.set(fullName(DESK), { corrupt: true }), 'weights-corrupt'],
    ['a stream that ends without success', (): void => void (fake.silentPulls = 1), 'engine-garbled'],
    ['a stream that is cut', (): void => void (fake.faults.cutStreamsAfter = 2), 'engine-garbled'],
    ['a login page', (): void => void (fake.faults.page = '<html>Log in</html>'), 'engine-garbled'],
  ])('that fails by %s is a failure, and the next one goes through', async (_, harm, code) => {
    const spec = pinned(fake.registry.publish(DESK, WEIGHTS));
    harm();
    expect(await codeOf(pull(spec))).toBe(code);
    fake.registry.faults.clear();
    Object.assign(fake.faults, { page: null, cutStreamsAfter: null });
    expect(await held()).toEqual([]);
    await pull(spec);
    expect(await held()).toEqual([spec.weights.remote?.manifest]);
  });

  it('that is not there, or from a registry that is not on the list, says so', async () => {
    expect(await codeOf(pull(pinned('ab'.repeat(32))))).toBe('weights-missing');
    const before = fake.requests.length;
    expect(await codeOf(pull(pinned('ab'.repeat(32), WEIGHTS, 'evil.example.com')))).toBe('registry-not-allowed');
    expect(fake.requests.slice(before).filter((request) => request === 'POST /api/pull')).toEqual([]);
  });

  it('from a registry on this machine goes without encryption', async () => {
    const manifest = fake.registry.publish('127.0.0.1:1/library/desk:8b', WEIGHTS);
    await pull(pinned(manifest, WEIGHTS, '127.0.0.1:1'));
    expect(fake.names()).toEqual([`llmops/base:${manifest}`]);
  });

  it('is refused to be something else later: a name of ours that somebody moved is not held', async () => {
    const spec = pinned(fake.registry.publish(DESK, WEIGHTS));
    await pull(spec);
    fake.registry.publish('other', fakeWeights({ salt: 'evil' }));
    await fetch(`${fake.url}/api/pull`, { method: 'POST', body: JSON.stringify({ model: 'other' }) }).then((answer) => answer.text());
    fake.store.copy('other', `llmops/base:${spec.weights.remote?.manifest}`);
    expect(await held()).toEqual([]);
    expect(await codeOf(driver.perform.start(step('start', spec, { spec }), io()))).toBe('weights-not-held');
    await pull(spec);
    expect((await world.serve(driver, spec)).configured['digest']).toBe(sha256(WEIGHTS));
  });
});

describe('Handing files over', () => {
  it('sends a file once, with its bytes told, and never again', async () => {
    const spec = world.spec();
    const said: string[] = [];
    await pull(spec, (message) => said.push(message));
    expect(said).toContain('chat.gguf');
    expect(fake.names()).toEqual([`llmops/base:${spec.weights.sha256}`]);
    fake.store.remove(`llmops/base:${spec.weights.sha256}`);
    fake.store.add(fakeWeights(), 'application/vnd.ollama.image.model');
    await pull(spec);
    expect(fake.requests.filter((request) => request.startsWith('POST /api/blobs/'))).toHaveLength(1);
  });

  it('is how weights come that are not to be had without a login: the server is not sent to their registry', async () => {
    const given = world.spec();
    const origin = { kind: 'ollama' as const, host: 'registry.example', name: 'team/desk', tag: '8b', access: 'login' as const };
    const files = [{ path: 'chat.gguf', bytes: given.weights.bytes, sha256: given.weights.sha256 }];
    const spec = { ...given, weights: { ...given.weights, remote: { origin, manifest: 'ab'.repeat(32), files } } };
    await pull(spec);
    expect(fake.requests).not.toContain('POST /api/pull');
    expect(await held()).toEqual([spec.weights.sha256]);
    expect((await world.serve(driver, spec)).configured['digest']).toBe(spec.weights.sha256);
  });

  it('sends every part of a split model, and knows it again', async () => {
    const parts = [0, 1, 2].map((no) => {
      const facts = { salt: 'split', split: { count: 3, no } };
      return writeFakeWeights(join(world.dir, `big-0000${no + 1}-of-00003.gguf`), facts);
    });
    const spec = world.spec({}, parts[0]);
    const whole: InstanceSpec = {
      ...spec,
      weights: { ...spec.weights, sha256: 'cd'.repeat(32) },
      fields: { ...spec.fields, digest: 'cd'.repeat(32) },
    };
    await pull(whole);
    expect(fake.requests.filter((request) => request.startsWith('POST /api/blobs/'))).toHaveLength(3);
    expect(await held()).toEqual(['cd'.repeat(32)]);
    expect((await world.serve(driver, whole)).configured['digest']).toBe('cd'.repeat(32));
  });

  it('says what is wrong with a file: gone, another one than planned, damaged, of a kind that Ollama does not take', async () => {
    const changed = world.spec();
    writeFileSync(changed.weights.path, fakeWeights({ salt: 'changed' }));
    expect(await codeOf(pull(changed))).toBe('weights-changed');
    const gone = world.spec();
    expect(await codeOf(pull({ ...gone, weights: { ...gone.weights, path: '/nowhere.gguf', sha256: 'ef'.repeat(32) } }))).toBe(
      'weights-missing',
    );
    const bad = join(world.dir, 'bad.gguf');
    for (const [text, code] of [
      ['GGUF{', 'weights-damaged'],
      ['GG', 'weights-damaged'],
      ['not weights', 'weights-unsupported'],
      [fakeWeights({ quantization: 'TQ1_0' }).toString(), 'weights-unsupported'],
    ] as const) {
      writeFileSync(bad, text);
      expect(await codeOf(pull(world.spec({}, bad)))).toBe(code);
    }
    expect(fake.names()).toEqual([]);
  });

  it('ends when it is cancelled', async () => {
    const spec = world.spec();
    const stop = new AbortController();
    const pulling = driver.perform.pull?.(
      step('pull', spec, { weights: spec.weights }),
      io(() => stop.abort(), stop.signal),
    );
    expect(await codeOf(pulling ?? Promise.resolve())).toBe('cancelled');
  });
});
