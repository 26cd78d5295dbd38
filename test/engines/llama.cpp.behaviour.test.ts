import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backend } from '../../src/backends/llama.cpp/index.ts';
import { llamaServer } from '../../src/backends/llama.cpp/process.ts';
import type { ModelSpec } from '../../src/domain/desired.ts';
import { problemOf, type Problem } from '../../src/domain/problem.ts';
import { openStream } from '../contract/streams.ts';
import { eventually, io, step, World, type Conformance } from '../contract/world.ts';
import { findServer } from './llama-server.ts';

// What the fake imitates, seen with the real program: if one of these fails, the fake and its README are wrong.
const models = resolve(import.meta.dirname, '../../examples/models');

const conformance = {
  name: 'llama.cpp',
  backend,
  engine: llamaServer,
  backendOptions: { engine: findServer(), rpc: [], args: [] },
  weights: () => join(models, 'desk-F16.gguf'),
  damagedWeights: () => join(models, 'README.md'),
  longRequest: () => ({ body: { prompt: 'Hello', max_tokens: 1000, ignore_eos: true } }),
} satisfies Conformance;

let world: World;
beforeEach(async () => void (world = await World.open(conformance)));
afterEach(() => world.end());

async function failure(change: Partial<ModelSpec>, path?: string): Promise<Problem> {
  try {
    await world.serve(world.connect(), world.spec(change, path));
  } catch (error) {
    return problemOf(error);
  }
  throw new Error('it served');
}

describe('The real llama-server', () => {
  it('clamps a context beyond the trained one without an error, which the probe finds', async () => {
    const problem = await failure({ context: 4096 });
    expect(problem).toMatchObject({ code: 'setting-not-in-force', summary: expect.stringMatching(/context 1024, not with 4096/) });
  });

  it('rounds a context up, which counts as asked', async () => {
    expect((await world.serve(world.connect(), world.spec({ context: 300, parallel: 2 }))).loaded).toMatchObject({
      context: 512,
      parallel: 2,
    });
  });

  it('shares one buffer without taking context from a request', async () => {
    expect(
      (await world.serve(world.connect(), world.spec({ context: 512, parallel: 2, options: { kvUnified: true } }))).loaded,
    ).toMatchObject({ context: 512, parallel: 2 });
  });

  it('tells the type of the KV cache in its log, and where its layers lie: on no GPU, as there is none', async () => {
    const spec = world.spec({ kvCache: 'q8_0', offload: { gpuLayers: 2, cpuMoeLayers: null, devices: null } });
    expect((await world.serve(world.connect(), spec)).loaded).toMatchObject({ kvCache: 'q8_0', 'offload.gpuLayers': 0 });
  });

  it('lets web pages of this machine read its answers, and no others', async () => {
    const { endpoint } = await world.serve(world.connect(), world.spec());
    const allowed = async (origin: string) =>
      (await fetch(`${endpoint}/v1/models`, { headers: { origin } })).headers.get('access-control-allow-origin');
    expect(await allowed('http://localhost:3000')).toBe('http://localhost:3000');
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null'])
      expect(await allowed(origin), origin).toBeNull();
  });

  it('says why it does not start: missing weights, a cut file, an unknown flag, a refused value, a taken port', async () => {
    expect((await failure({}, '/nonexistent.gguf')).code).toBe('weights-missing');
    expect((await failure({}, conformance.damagedWeights())).code).toBe('weights-damaged');
    expect((await failure({ options: { args: ['--no-such-flag'] } })).code).toBe('engine-flag-unknown');
    expect((await failure({ kvCache: 'q9_9' })).code).toBe('engine-setting-refused');
    const first = await world.serve(world.connect(), world.spec());
    const port = Number(new URL(first.endpoint ?? '').port);
    expect((await failure({ options: { port } })).code).toBe('port-taken');
  });

  it('is not woken by being looked at', async () => {
    const [driver, spec] = [world.connect(), world.spec({ options: { args: ['--sleep-idle-seconds', '1'] } })];
    const { endpoint } = await world.serve(driver, spec);
    const sleeps = async () => ((await (await fetch(`${endpoint}/props`)).json()) as { is_sleeping: boolean }).is_sleeping;
    await eventually(sleeps);
    expect(await driver.look(spec.id, io().signal)).toMatchObject({ phase: 'serving', activeRequests: 0 });
    await driver.perform.drain(step('drain', spec, {}), io());
    expect(await sleeps()).toBe(true);
  });

  it('asks for its key, which our own questions carry', async () => {
    const driver = world.connect({ env: { CHAT_KEY: 'canary-5f2e' } });
    const instance = await world.serve(driver, world.spec({ options: { apiKey: { env: 'CHAT_KEY' } } }));
    expect(instance.loaded).toMatchObject({ context: 512 });
    expect((await fetch(`${instance.endpoint}/props`)).status).toBe(401);
  });

  it('is gone after a stop, also with a stream in flight', async () => {
    const [driver, spec] = [world.connect(), world.spec({ context: 1024 })];
    const { process: running, endpoint } = await world.serve(driver, spec);
    const stream = openStream(endpoint ?? '', conformance.longRequest().body);
    await stream.begun;
    await world.stop(driver, spec, running);
    expect(await world.processes()).toEqual([]);
    await stream.ended;
  });
});
