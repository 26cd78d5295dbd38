import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Driver, StepIo } from '../../src/domain/backend.ts';
import type { Desired, InstanceSpec, ModelSpec } from '../../src/domain/desired.ts';
import type { Problem } from '../../src/domain/problem.ts';
import type { Origin, RemoteFile } from '../../src/domain/weights.ts';
import { fetcher } from '../../src/stack/store.ts';
import type { Surroundings } from '../../src/stack/surroundings.ts';
import { openStore } from '../../src/store/index.ts';
import { instancesOf, io, step, World } from '../contract/world.ts';
import { userOf, type User } from '../ollama/user.ts';
import { realOllama, startOllama, WEIGHTS, type RealOllama } from './ollama-server.ts';
import { startRegistry, type RegistryServer } from './mischievous-registry.ts';

let registry: RegistryServer;
let server: RealOllama;
let world: World;
let driver: Driver;
let user: User;
beforeEach(async () => {
  [registry, server] = await Promise.all([startRegistry(), startOllama()]);
  world = await World.open({ ...realOllama, server: () => Promise.resolve(server) });
  driver = world.connect();
  user = userOf(server.url);
});
afterEach(async () => {
  await world.end();
  await registry.end();
});

const file = (quantization: string): string => join(WEIGHTS, `desk-${quantization}.gguf`);
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const tag = (): string => `${registry.host}/me/desk:8b`;

/** Somebody publishes weights under the tag, from this server, and leaves nothing there. */
async function publishTag(quantization: string): Promise<string> {
  const digest = `sha256:${sha256(file(quantization))}`;
  await fetch(`${user.url}/api/blobs/${digest}`, { method: 'POST', body: readFileSync(file(quantization)) });
  const before = await user.digestOf(tag());
  if (before !== null) await user.copy(tag(), 'aside');
  await user.post('/api/create', { model: tag(), files: { 'model.gguf': digest } });
  await user.post('/api/push', { model: tag(), insecure: true });
  await user.remove(tag());
  if (before !== null) {
    await user.copy('aside', tag());
    await user.remove('aside');
  }
  Object.assign(registry, { bytes: 0, ranges: [] });
  return registry.digestOf('me/desk', '8b');
}

/** An instance of the tag, pinned to a manifest and the weights in it. */
function pinned(manifest: string, quantization: string): InstanceSpec {
  const spec = world.spec({}, file(quantization));
  const origin = { kind: 'ollama' as const, host: registry.host, name: 'me/desk', tag: '8b' };
  const bytes = readFileSync(file(quantization)).length;
  const files = [{ path: 'model.gguf', bytes, sha256: sha256(file(quantization)) }];
  return { ...spec, weights: { ...spec.weights, path: '', bytes, remote: { origin, manifest, files } } };
}

/** Where requests begin that do not begin at the beginning, in bytes. What the registry has sent says less: much of it lies in sockets. */
const goesOnAt = (): readonly number[] =>
  registry.ranges.map((range) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)).filter((start) => start > 0);

const pull = (spec: InstanceSpec, over = io()) => driver.perform.pull?.(step('pull', spec, { weights: spec.weights }), over);
/** Fetches as an apply does, into a cache of the test's own. */
function fetching(spec: InstanceSpec): { readonly over: StepIo; readonly weights: InstanceSpec['weights'] } {
  const context = { env: { HOME: world.dir, XDG_CACHE_HOME: world.dir }, signal: io().signal };
  const bring = fetcher({ backends: [] } as unknown as Desired, context as unknown as Surroundings);
  const store = openStore({ dir: join(world.dir, 'llmops', 'weights'), env: {} });
  const over = { ...io(), fetch: (origin: Origin, files: readonly RemoteFile[]) => bring({ origin, files }, io()) };
  return { over, weights: { ...spec.weights, path: store.pathOf(spec.weights.remote?.files ?? []) } };
}

const problemOf = (work: Promise<unknown> | undefined): Promise<Problem | null> =>
  Promise.resolve(work).then(
    () => null,
    (error: { problem: Problem }) => error.problem,
  );

describe('A real registry', () => {
  it('a pinned tag is pulled, kept under a name of ours by the digest that the registry gives it, and served', async () => {
    const manifest = await publishTag('Q4_K_M');
    const spec = pinned(manifest, 'Q4_K_M');
    // Ollama says how far it is a few times a second, and nothing of what came in between.
    registry.mischief.rate = 4_000_000;
    const told: string[] = [];
    const moved: unknown[] = [];
    await pull(spec, {
      signal: io().signal,
      progress: (message) => void told.push(message),
      transfer: (...words) => void moved.push(words),
    });
    expect(moved).toContainEqual([expect.stringContaining(sha256(file('Q4_K_M')).slice(0, 12)), expect.any(Number), spec.weights.bytes]);
    expect(await user.names()).toEqual([`llmops/base:${manifest}`]);
    expect(await user.digestOf(`llmops/base:${manifest}`)).toBe(manifest);
    expect(told.at(-1)).toMatch(/writing manifest|verifying/);
    expect(await world.serve(driver, spec)).toMatchObject({ phase: 'serving', configured: { digest: sha256(file('Q4_K_M')) } });
    const bytes = registry.bytes;
    await pull(spec);
    expect(registry.bytes).toBe(bytes);
  });

  it('a connection that is cut is gone on with by Range: next to nothing comes twice', async () => {
    const spec = pinned(await publishTag('F16'), 'F16');
    registry.mischief.cuts = [1_500_000, 1_000_000];
    await pull(spec);
    const goneOnAt = goesOnAt();
    expect(goneOnAt.length).toBeGreaterThan(0);
    expect(Math.min(...goneOnAt)).toBeGreaterThanOrEqual(1_000_000);
  });

  it('a pull that was cancelled is gone on with by the next one', async () => {
    const spec = pinned(await publishTag('F16'), 'F16');
    registry.mischief.rate = 4_000_000;
    const stop = new AbortController();
    const cancelled = pull(spec, {
      signal: stop.signal,
      progress: () => undefined,
      transfer: (_, done) => void (done > 2_000_000 && stop.abort()),
    });
    expect((await problemOf(cancelled))?.code).toBe('cancelled');
    expect(await user.names()).toEqual([]);
    registry.mischief.rate = 0;
    registry.ranges = [];
    await pull(spec);
    // What it had told is on its disk.
    const goneOnAt = goesOnAt();
    expect(goneOnAt).toHaveLength(1);
    expect(goneOnAt[0]).toBeGreaterThan(2_000_000);
  });

  it('what is not what was promised is thrown away, and comes again', async () => {
    const spec = pinned(await publishTag('Q4_K_M'), 'Q4_K_M');
    registry.mischief.corrupt = true;
    expect(await problemOf(pull(spec))).toMatchObject({ code: 'weights-corrupt' });
    expect(await user.names()).toEqual([]);
    registry.mischief.corrupt = false;
    await pull(spec);
    expect(await user.names()).toHaveLength(1);
  });

  it('a tag that moved is said, without a byte of it; nothing is changed', async () => {
    const spec = pinned(await publishTag('Q4_K_M'), 'Q4_K_M');
    const now = await publishTag('Q2_K');
    const problem = await problemOf(pull(spec));
    expect(problem).toMatchObject({ code: 'tag-moved', fix: expect.stringContaining('llmops lock --upgrade chat') as string });
    expect(problem?.summary).toContain(now.slice(0, 12));
    expect([registry.bytes, await user.names()]).toEqual([0, []]);
  });

  it('what was pinned under a tag that moved is fetched by its digest and handed over, and served', async () => {
    const spec = pinned(await publishTag('Q4_K_M'), 'Q4_K_M');
    await publishTag('Q2_K');
    const wanted = {
      ...spec.weights,
      source: tag(),
      gguf: null,
      remote: { ...spec.weights.remote!, missing: spec.weights.remote!.files, ready: false, partialBytes: 0 },
    };
    const told = await driver.unpullable?.([{ model: { name: 'chat' } as ModelSpec, artifact: wanted }], io().signal);
    expect(told).toEqual([{ key: spec.weights.remote?.manifest, why: 'tag-moved', hasFiles: false }]);
    const { over, weights } = fetching(spec);
    expect(await pull({ ...spec, weights }, over)).toContain('stands for something else now');
    expect(await user.names()).toEqual([`llmops/base:${spec.weights.remote?.manifest}`]);
    expect(await world.serve(driver, spec)).toMatchObject({ phase: 'serving', configured: { digest: sha256(file('Q4_K_M')) } });
  });

  it('a plain docker-registry gives Ollama nothing; it is fetched here and handed over', async () => {
    const spec = pinned(await publishTag('Q4_K_M'), 'Q4_K_M');
    registry.mischief.plain = true;
    expect((await problemOf(pull(spec)))?.code).toBe('registry-no-redirect');
    const { over, weights } = fetching(spec);
    expect(await pull({ ...spec, weights }, over)).toContain('sends files in a way that Ollama does not take');
    expect(await world.serve(driver, spec)).toMatchObject({ phase: 'serving', configured: { digest: sha256(file('Q4_K_M')) } });
  });

  it('a tag that moved is said also where only the server reaches the registry, after the fact; nothing of it stays', async () => {
    const spec = pinned(await publishTag('Q4_K_M'), 'Q4_K_M');
    await publishTag('Q2_K');
    registry.mischief.ollamaOnly = true;
    expect((await problemOf(pull(spec)))?.code).toBe('tag-moved');
    expect(registry.bytes).toBeGreaterThan(1_000_000);
    expect(await user.names()).toEqual([]);
  });

  it("a user's tag of that name stands for what it stood for, and goes on to work", async () => {
    await publishTag('Q2_K');
    await user.post('/api/pull', { model: tag(), insecure: true });
    const mine = await user.digestOf(tag());
    const spec = pinned(await publishTag('Q4_K_M'), 'Q4_K_M');
    await pull(spec);
    expect(await user.digestOf(tag())).toBe(mine);
    expect((await user.names()).filter((name) => name.includes('kept'))).toEqual([]);
    expect(await user.post('/api/generate', { model: tag(), prompt: 'Hi', stream: false, options: { num_predict: 1 } })).toMatchObject({
      done: true,
    });
  });

  it('6. a re-pulled tag with new weights leaves its old runner in memory, under one name twice; ours is not moved by it', async () => {
    const manifest = await publishTag('Q4_K_M');
    const spec = pinned(manifest, 'Q4_K_M');
    await pull(spec);
    await world.serve(driver, spec);
    await driver.perform.publish?.(step('publish', spec, {}), io());
    await publishTag('Q2_K');
    await user.post('/api/pull', { model: tag(), insecure: true });
    await user.post('/api/generate', { model: tag(), stream: false });
    await publishTag('Q8_0');
    await user.post('/api/pull', { model: tag(), insecure: true });
    await user.post('/api/generate', { model: tag(), stream: false });
    expect((await user.ps()).filter(({ name }) => name === tag())).toHaveLength(2);
    const instances = instancesOf(await driver.observe(io().signal));
    expect(instances.filter(({ owner }) => owner === 'foreign').map(({ model }) => model)).toEqual([tag(), tag()]);
    expect(instances.filter(({ owner }) => owner === 'ours')).toMatchObject([
      { phase: 'serving', names: ['chat'], configured: { digest: sha256(file('Q4_K_M')) } },
    ]);
  });

  it('a registry that is not there, or speaks no HTTP, is said to be so', async () => {
    const spec = pinned('ab'.repeat(32), 'Q4_K_M');
    expect((await problemOf(pull(spec)))?.code).toBe('weights-missing');
    const remote = { ...spec.weights.remote!, origin: { kind: 'ollama' as const, host: '127.0.0.1:1', name: 'me/desk', tag: '8b' } };
    expect((await problemOf(pull({ ...spec, weights: { ...spec.weights, remote } })))?.code).toBe('registry-unreachable');
  });
});
