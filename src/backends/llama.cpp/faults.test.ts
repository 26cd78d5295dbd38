import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStream } from '../../../test/contract/streams.ts';
import { eventually, io, kill, seen, step, World } from '../../../test/contract/world.ts';
import type { Driver } from '../../domain/backend.ts';
import type { ModelSpec } from '../../domain/desired.ts';
import { problemOf, type Problem } from '../../domain/problem.ts';
import { systemClock, type Clock } from '../kit/clock.ts';
import { createProcessDriver } from '../kit/driver.ts';
import { fakeConformance } from './fake/conformance.ts';
import { FAULTS, type Faults } from './fake/faults.ts';
import { writeFakeWeights } from './fake/weights.ts';
import { backend } from './index.ts';
import { llamaServer } from './process.ts';

const bin = mkdtempSync(join(tmpdir(), 'llmops-faults-'));
afterAll(() => rmSync(bin, { recursive: true, force: true }));

/** Pauses between restarts take a moment here, so that giving up does not take seconds. */
const hasty: Clock = { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 10), signal) };
const conformance = {
  ...fakeConformance(bin),
  backend: {
    ...backend,
    connect: ((spec, context) =>
      createProcessDriver(llamaServer, spec, context, { clock: hasty, graceMs: 200 })) satisfies typeof backend.connect,
  },
};

let world: World;
beforeEach(async () => void (world = await World.open(conformance)));
afterEach(() => world.end());

function connect(faults: Faults): Driver {
  return world.connect({ env: { [FAULTS]: JSON.stringify(faults) } });
}

/** The problem with which serving fails. */
async function failure(driver: Driver, change: Partial<ModelSpec> = {}, deadlineMs?: number): Promise<Problem> {
  const spec = world.spec(change);
  try {
    await driver.perform.start(step('start', spec, { spec }), io());
    await driver.perform.probe(
      step('probe', spec, { spec, onFailure: 'leave', ...(deadlineMs === undefined ? {} : { deadlineMs }) }),
      io(),
    );
  } catch (error) {
    return problemOf(error);
  }
  throw new Error('it served');
}

/** How often an instance was started: each start has a log of its own. */
const starts = () => readdirSync(join(world.stateDir, 'logs')).length;

describe('A start', () => {
  it('whose port somebody took meanwhile is tried again with another', async () => {
    const instance = await world.serve(connect({ bindFailures: 2, counter: join(world.dir, 'binds') }), world.spec());
    expect([instance.phase, starts()]).toEqual(['serving', 3]);
  });

  it('that crashes for a cause that may pass is tried again', async () => {
    const instance = await world.serve(
      connect({ failLoad: 'CUDA error: unspecified launch failure', failLoads: 1, counter: join(world.dir, 'loads') }),
      world.spec(),
    );
    expect([instance.phase, starts()]).toEqual(['serving', 2]);
  });

  it('that crashes each time is given up, with the reason and the count', async () => {
    const problem = await failure(connect({ failLoad: 'CUDA error: unspecified launch failure' }));
    expect(problem.code).toBe('engine-crashed');
    expect(problem.summary).toContain('started 6 times');
  });

  it('that fails for a lasting cause is not tried twice', async () => {
    const problem = await failure(connect({ failLoad: 'E ggml: allocating 9 MiB on device 0: cudaMalloc failed: out of memory' }));
    expect([problem.code, starts()]).toEqual(['out-of-memory', 1]);
  });

  it('on a fixed port that is taken fails and says which', async () => {
    const other = await world.serve(connect({}), world.spec());
    const port = Number(new URL(other.endpoint ?? '').port);
    const problem = await failure(connect({}), { options: { port } });
    expect(problem).toMatchObject({ code: 'port-taken' });
    expect(problem.summary).toContain(String(port));
  });

  it('that does not end in time is left loading, and says so', async () => {
    const driver = connect({ loadUntil: join(world.dir, 'never') });
    const problem = await failure(driver, {}, 500);
    expect(problem).toMatchObject({ code: 'probe-timeout' });
    expect(problem.summary).toContain('loading weights');
    expect(await driver.look(world.spec().id, io().signal)).toMatchObject({ phase: 'starting' });
  });

  it('that ends with the first request is no success, though it said that it was healthy', async () => {
    expect(await failure(connect({ crashInRequest: 1 }))).toMatchObject({ code: 'engine-ended' });
  });

  it('of an engine that clamps the context without an error fails, and names field, wish and fact', async () => {
    writeFakeWeights(join(world.dir, 'small.gguf'), { contextTrained: 256, layers: 4 });
    const spec = world.spec({ context: 512 }, join(world.dir, 'small.gguf'));
    const outcome = world.serve(connect({}), spec);
    await expect(outcome).rejects.toMatchObject({
      problem: { code: 'setting-not-in-force', summary: expect.stringMatching(/context 256, not with 512/) },
    });
  });

  it('of an engine that lies about its slots fails', async () => {
    expect(await failure(connect({ props: { total_slots: 3 } }))).toMatchObject({ code: 'setting-not-in-force' });
  });

  it('that fails its probe is left running: what becomes of it is another step', async () => {
    const [driver, spec] = [connect({ props: { total_slots: 3 } }), world.spec()];
    await driver.perform.start(step('start', spec, { spec }), io());
    const before = seen(await driver.look(spec.id, io().signal)).process;
    const probing = driver.perform.probe(step('probe', spec, { spec, onFailure: 'stop' }), io());
    await expect(probing).rejects.toMatchObject({ problem: { code: 'setting-not-in-force' } });
    expect(seen(await driver.look(spec.id, io().signal))).toMatchObject({ phase: 'serving', process: before });
  });

  it.each<[string, Faults]>([
    ['an error where its settings should be', { props: { error: { message: 'boom' } } }],
    ['settings without those that count', { props: { default_generation_settings: null } }],
    ['an object where its slots should be', { answers: { '/slots': '{"error":{"message":"boom"}}' } }],
    ['no list of slots but of nothing', { answers: { '/slots': '[null]' } }],
  ])('of an engine that answers with %s fails', async (_, faults) => {
    expect(await failure(connect(faults))).toMatchObject({ code: 'engine-garbled' });
  });

  it.each([
    ['weights', { model_path: '/etc/other.gguf' }],
    ['name', { model_alias: 'other' }],
  ])('of an engine that serves another model, by its %s, fails and says which', async (what, props) => {
    const problem = await failure(connect({ props }));
    expect(problem).toMatchObject({ code: 'setting-not-in-force', summary: expect.stringContaining(`${what} ${Object.values(props)[0]}`) });
    expect(await connect({ props }).look(world.spec().id, io().signal)).toMatchObject({ phase: 'unknown', loaded: null });
  });

  it('of an engine that names its weights by another path to the same file is a success', async () => {
    const path = world.spec().weights.path;
    symlinkSync(path, join(world.dir, 'link.gguf'));
    const instance = await world.serve(connect({ props: { model_path: join(world.dir, 'link.gguf') } }), world.spec());
    expect(instance.phase).toBe('serving');
  });

  it.each([
    ['an error beside choices', '{"error":{"message":"boom"},"choices":[{"text":"x"}]}'],
    ['a choice that is none', '{"choices":[null]}'],
    ['a choice without a text', '{"choices":[{"index":0}]}'],
    ['no choice', '{"choices":[]}'],
  ])('of an engine that answers its first request with %s fails', async (_, text) => {
    expect(await failure(connect({ answers: { '/v1/completions': text } }))).toMatchObject({ code: 'probe-failed' });
  });

  it.each([
    ['a web page', '<html>It works!</html>'],
    ['half a JSON', '{"status":'],
    ['more than anybody reads', 'x'.repeat(70_000)],
  ])('of an engine whose health is %s is given up long before its deadline', async (_, text) => {
    expect(await failure(connect({ answers: { '/health': text } }))).toMatchObject({ code: 'engine-garbled' });
  });
});

describe('An instance', () => {
  it('lets no web page from elsewhere read its answers', async () => {
    const { endpoint } = await world.serve(connect({}), world.spec());
    const allowed = async (origin: string) =>
      (await fetch(`${endpoint}/props`, { headers: { origin } })).headers.get('access-control-allow-origin');
    expect([await allowed('https://evil.example'), await allowed('http://localhost:3000')]).toEqual([null, 'http://localhost:3000']);
  });

  it('whose port answers with a web page is not known, and not taken for serving', async () => {
    const [driver, spec] = [connect({ html: true }), world.spec()];
    await driver.perform.start(step('start', spec, { spec }), io());
    const now = await eventually(async () => {
      const instance = await driver.look(spec.id, io().signal);
      return instance?.phase === 'unknown' && instance;
    });
    expect(now.problem?.code).toBe('engine-garbled');
  });

  it('that sleeps is looked at without waking it, and counts as drained', async () => {
    const [driver, spec] = [connect({ sleeps: true }), world.spec()];
    const { logFile } = await world.serve(driver, spec);
    expect(await driver.look(spec.id, io().signal)).toMatchObject({ phase: 'serving', activeRequests: 0 });
    await driver.perform.drain(step('drain', spec, {}), io());
    expect(readFileSync(logFile ?? '', 'utf8')).not.toContain('woken');
  });

  it('whose log was cut tells the same as before, also what only its log tells', async () => {
    const [driver, spec] = [connect({}), world.spec({ kvCache: 'q8_0', offload: { gpuLayers: 2, cpuMoeLayers: null, devices: null } })];
    const before = await world.serve(driver, spec);
    const line = `${'x'.repeat(1023)}\n`;
    appendFileSync(before.logFile ?? '', line.repeat(33 << 10));
    await driver.tend?.();
    expect(statSync(before.logFile ?? '').size).toBeLessThan(1 << 20);
    const after = seen(await driver.look(spec.id, io().signal));
    expect(after.loaded).toEqual(before.loaded);
    expect(after.loaded).toMatchObject({ kvCache: 'q8_0', 'offload.gpuLayers': 2 });
  });

  it('does not get settings from variables that the plan cannot see', async () => {
    const driver = world.connect({ env: { LLAMA_ARG_CTX_SIZE: '64', LLAMA_API_KEY: 'stray', KEPT: 'yes' } });
    const { process } = await world.serve(driver, world.spec());
    const env = (await world.processes()).find(({ pid }) => pid === process?.pid)?.env() ?? {};
    expect([env['LLAMA_ARG_CTX_SIZE'], env['LLAMA_API_KEY'], env['KEPT']]).toEqual([undefined, undefined, 'yes']);
  });

  it('of the same program that somebody else started is shown as foreign', async () => {
    const path = conformance.weights(world.dir);
    const { spawn } = await import('node:child_process');
    const child = spawn(join(bin, 'llama-server'), ['--model', path, '--alias', 'theirs', '--host', '127.0.0.1', '--port', '1'], {
      stdio: 'ignore',
      env: { [FAULTS]: JSON.stringify({ hangWhile: path }) },
    });
    try {
      const shown = await eventually(async () => {
        const observed = await connect({}).observe(io().signal);
        return observed.status === 'reachable' && observed.instances.find(({ process }) => process?.pid === child.pid);
      });
      expect(shown).toMatchObject({ owner: 'foreign', model: 'theirs', endpoint: 'http://127.0.0.1:1' });
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('A key for clients', () => {
  const model = { options: { apiKey: { env: 'CHAT_KEY', file: null, command: null } } };

  it('reaches the engine and our own questions, and is written nowhere', async () => {
    const [driver, spec] = [world.connect({ env: { CHAT_KEY: 'canary-5f2e' } }), world.spec(model)];
    const instance = await world.serve(driver, spec);
    expect(instance).toMatchObject({ phase: 'serving', configured: { 'options.apiKey': 'env:CHAT_KEY' } });
    expect((await fetch(`${instance.endpoint}/props`)).status).toBe(401);
    const args = (await world.processes()).flatMap((entry) => [...entry.args, entry.marker]);
    const files = readdirSync(world.stateDir, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((file) => file.isFile());
    const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'));
    expect(JSON.stringify([instance, args, texts])).not.toContain('canary-5f2e');
  });

  it('that cannot be had stops the start, and is named by its reference', async () => {
    const problem = await failure(connect({}), model);
    expect(problem).toMatchObject({ code: 'secret-unavailable', summary: expect.stringContaining('env:CHAT_KEY') });
    expect(await world.processes()).toEqual([]);
  });

  it('can come from a file or a command', async () => {
    writeFileSync(join(world.dir, 'key.txt'), 'from-file\n');
    for (const [apiKey, value] of [
      [{ file: 'key.txt' }, 'from-file'],
      [{ command: 'echo from-command' }, 'from-command'],
    ] as const) {
      const instance = await world.serve(connect({}), world.spec({ options: { apiKey } }));
      expect((await fetch(`${instance.endpoint}/props`, { headers: { authorization: `Bearer ${value}` } })).status).toBe(200);
    }
  });
});

describe('A stop', () => {
  it('of a process that ignores SIGTERM ends it by force', async () => {
    const [driver, spec] = [connect({ ignoreSigterm: true }), world.spec()];
    const { process } = await world.serve(driver, spec);
    await world.stop(driver, spec, process);
    expect(await world.processes()).toEqual([]);
  });

  it('of a server with a stream in flight, which does not end on SIGTERM, ends it and the stream', async () => {
    const [driver, spec] = [connect({ generateUntil: join(world.dir, 'never') }), world.spec()];
    const { process, endpoint } = await world.serve(driver, spec);
    const stream = openStream(endpoint ?? '', { prompt: 'Hello', max_tokens: 8 });
    await stream.begun;
    await world.stop(driver, spec, process);
    expect(await world.processes()).toEqual([]);
    expect(await stream.ended).toBe(false);
  });

  it('takes along what the engine started, also what outlived it', async () => {
    const [driver, spec] = [connect({ grandchild: true }), world.spec()];
    const { process } = await world.serve(driver, spec);
    expect(await world.processes()).toHaveLength(2);
    kill(process?.pid ?? 0, 'SIGKILL');
    const orphaned = await eventually(async () => {
      const now = seen(await driver.look(spec.id, io().signal));
      return now.phase === 'failed' && now;
    });
    expect(orphaned.problem?.code).toBe('engine-left-processes');
    await world.stop(driver, spec, null);
    expect(await world.processes()).toEqual([]);
    expect(existsSync(join(world.stateDir, 'instances', `${spec.id}.json`))).toBe(false);
  });
});
