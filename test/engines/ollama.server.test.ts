import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemProcesses } from '../../src/backends/kit/process-table.ts';
import type { Driver } from '../../src/domain/backend.ts';
import type { InstanceSpec, JsonObject } from '../../src/domain/desired.ts';
import type { ObservedInstance } from '../../src/domain/observed.ts';
import { eventually, io, kill, seen, step, World } from '../contract/world.ts';
import { userOf, type User } from '../ollama/user.ts';
import { findServer } from './llama-server.ts';
import { realOllama, startOllama, WEIGHTS, type RealOllama } from './ollama-server.ts';

let server: RealOllama;
let world: World;
let driver: Driver;
let user: User;
beforeEach(async () => {
  server = await startOllama();
  world = await World.open({ ...realOllama, server: () => Promise.resolve(server) });
  driver = world.connect();
  user = userOf(server.url);
});
afterEach(() => world.end());

const look = async (spec: InstanceSpec): Promise<ObservedInstance> => seen(await driver.look(spec.id, io().signal));
const publish = (spec: InstanceSpec) => driver.perform.publish?.(step('publish', spec, {}), io());
const probe = (spec: InstanceSpec) => driver.perform.probe(step('probe', spec, { spec, onFailure: 'leave' }), io());
const pull = (spec: InstanceSpec) => driver.perform.pull?.(step('pull', spec, { weights: spec.weights }), io());
const codeOf = (work: Promise<unknown> | undefined): Promise<string> =>
  Promise.resolve(work).then(
    () => 'done',
    (error: { problem?: { code: string } }) => error.problem?.code ?? String(error),
  );

/** Runners of this server: `llama-server` processes that it started. */
const runners = async () => (await systemProcesses().list()).filter(({ args }) => args.some((word) => word.startsWith(server.models)));

/** Random tokens until the model ends by chance: the server works on one after the other. */
const longRequests = (count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, seed) =>
      user.post('/api/generate', {
        model: 'chat',
        prompt: 'a',
        raw: true,
        stream: false,
        options: { seed, temperature: 100, top_k: 0, top_p: 1, num_predict: 900 },
      }),
    ),
  );

describe('A real Ollama', () => {
  it('takes every setting, and tells it again', async () => {
    const options: JsonObject = {
      threads: 1,
      batch: 64,
      mmap: false,
      keepAlive: 600_000,
      system: 'Be "brief".\nÜber alles: {{ .Nothing }}',
      template: '{{- range .Messages }}[{{ .Role }}] {{ .Content }}\n{{ end }}',
      parameters: { temperature: 0.7, top_k: 10_000_000, top_p: 1e-7, seed: -1, min_p: 0, repeat_penalty: 1.1, stop: ['\n"a"', 'é'] },
    };
    const spec = world.spec({ options });
    const { configured } = await world.serve(driver, spec);
    const told = Object.entries(spec.fields).filter(([field, value]) => value !== null && !['source', 'parallel'].includes(field));
    expect(told.length).toBeGreaterThan(9);
    expect(Object.fromEntries(told.map(([field]) => [field, configured[field]]))).toEqual(Object.fromEntries(told));
  });

  it('finishes the requests that it has before it lets a model go: a stop waits for them', async () => {
    const spec = world.spec({ context: 1024 });
    await world.serve(driver, spec);
    await publish(spec);
    const answered = longRequests(12);
    let over = false;
    void answered.then(() => (over = true));
    await eventually(async () => (await runners()).length === 1);
    const said: string[] = [];
    await driver.perform.drain(
      step('drain', spec, {}),
      io((message) => said.push(message)),
    );
    expect(said.join('\n')).toContain('does not tell how many requests');
    await eventually(() => Promise.resolve(over));
    expect((await answered).every((answer) => answer['done'] === true)).toBe(true);
    await world.stop(driver, spec, null);
    expect(await server.copies()).toEqual([]);
  });

  it('lets a model go that somebody unloads, or with a restart; both are seen, and mended without taking its name away', async () => {
    const spec = world.spec();
    await world.serve(driver, spec);
    await publish(spec);
    await user.post('/api/generate', { model: 'chat', keep_alive: 0, stream: false });
    await eventually(async () => (await user.ps()).length === 0);
    expect(await look(spec)).toMatchObject({ phase: 'starting', names: ['chat'], problem: { code: 'model-unloaded' } });
    await probe(spec);
    expect(await look(spec)).toMatchObject({ phase: 'serving', names: ['chat'] });
    await server.restart();
    expect(await look(spec)).toMatchObject({ phase: 'starting', names: ['chat'], problem: { code: 'model-unloaded' } });
    await probe(spec);
    expect(await look(spec)).toMatchObject({ phase: 'serving', problem: null });
  });

  it('hides that a runner was killed: it is listed on, and the next request starts it anew', async () => {
    const spec = world.spec();
    await world.serve(driver, spec);
    const [runner] = await runners();
    kill(runner?.pid ?? 0, 'SIGKILL');
    await eventually(async () => (await runners()).every(({ pid }) => pid !== runner?.pid));
    expect((await look(spec)).phase).toBe('serving');
    await probe(spec);
    expect(await runners()).toHaveLength(1);
  });

  it('gives a load up when whoever asked for it goes away: nothing stays in memory', async () => {
    const spec = world.spec();
    await world.start(driver, spec);
    const stop = new AbortController();
    const probing = driver.perform.probe(
      step('probe', spec, { spec, onFailure: 'leave' }),
      io(() => setTimeout(() => stop.abort(), 30), stop.signal),
    );
    expect(await codeOf(probing)).toBe('cancelled');
    await eventually(async () => (await runners()).length === 0);
    expect(await user.ps()).toEqual([]);
    await probe(spec);
    expect((await look(spec)).phase).toBe('serving');
  });

  it('is handed a split model part by part, and serves it', async () => {
    const split = join(dirname(findServer()), 'llama-gguf-split');
    execFileSync(split, ['--split', '--split-max-tensors', '20', join(WEIGHTS, 'desk-Q4_K_M.gguf'), join(world.dir, 'big')], {
      stdio: 'ignore',
    });
    const parts = readdirSync(world.dir)
      .filter((name) => name.startsWith('big-'))
      .sort();
    expect(parts.length).toBeGreaterThan(1);
    const spec = world.spec({}, join(world.dir, parts[0] as string));
    const whole: InstanceSpec = {
      ...spec,
      fields: { ...spec.fields, digest: 'cd'.repeat(32) },
      weights: { ...spec.weights, sha256: 'cd'.repeat(32) },
    };
    expect((await world.serve(driver, whole)).configured['digest']).toBe('cd'.repeat(32));
    await world.stop(driver, whole, null);
    expect(await user.names()).toEqual([`llmops/base:${'cd'.repeat(32)}`]);
  });

  it('says what is wrong with weights when they are handed over', async () => {
    const bad = join(world.dir, 'bad.gguf');
    const whole = readFileSync(join(WEIGHTS, 'desk-Q4_K_M.gguf'));
    for (const [bytes, code] of [
      [whole.subarray(0, 1_000_000), 'weights-damaged'],
      [Buffer.from('GG'), 'weights-damaged'],
      [Buffer.from('not weights at all'), 'weights-unsupported'],
    ] as const) {
      writeFileSync(bad, bytes);
      expect(await codeOf(pull(world.spec({}, bad)))).toBe(code);
    }
    expect(await codeOf(pull(world.spec({}, join(WEIGHTS, 'desk-TQ1_0.gguf'))))).toBe('weights-unsupported');
    const spec = world.spec();
    expect(await codeOf(pull({ ...spec, weights: { ...spec.weights, sha256: 'ab'.repeat(32) } }))).toBe('weights-changed');
    expect(await user.names()).toEqual([]);
  });

  it('names a context that it took down in silence', async () => {
    const spec = world.spec({ context: 4096 });
    await world.start(driver, spec);
    await expect(probe(spec)).rejects.toMatchObject({
      problem: { code: 'context-exceeds-model', summary: expect.stringContaining('1024') as string },
    });
    expect(await look(spec)).toMatchObject({ loaded: { context: 1024 }, configured: { context: 4096 } });
  });

  it('7. and 8. has one KV cache type and one number of requests for all models, and tells neither', async () => {
    await server.restart({ LLAMA_ARG_N_GPU_LAYERS: '0', OLLAMA_KV_CACHE_TYPE: 'q8_0', OLLAMA_NUM_PARALLEL: '3' });
    const { loaded, configured } = await world.serve(driver, world.spec({ context: 256 }));
    expect(server.log()).toMatch(/K \(q8_0\)/);
    expect(server.log()).toMatch(/n_seq_max\s*= 3/);
    expect([loaded?.['context'], loaded?.['kvCache'], loaded?.['parallel'], configured['kvCache'], configured['parallel']]).toEqual([
      256,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
