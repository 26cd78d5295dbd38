import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, io, kill, step, World } from '../../../test/contract/world.ts';
import type { Driver } from '../../domain/backend.ts';
import type { BackendSpec, InstanceSpec, JsonObject } from '../../domain/desired.ts';
import { freePort } from '../kit/ports.ts';
import { fakeConformance } from './fake/conformance.ts';
import { writeFakeProgram } from './fake/program.ts';
import { codeOf } from './fake/stage.ts';
import { backend } from './index.ts';

let world: World;
let options: Record<string, JsonObject[string]>;
beforeEach(async () => {
  options = { serve: true, url: `http://127.0.0.1:${await freePort()}` };
  const server = {
    options,
    copies: () => Promise.resolve([]),
    pause: () => undefined,
    resume: () => undefined,
    end: () => Promise.resolve(),
  };
  world = await World.open({ ...fakeConformance, server: () => Promise.resolve(server) });
  options['engine'] = writeFakeProgram(world.dir);
});
afterEach(() => world.end());

/** A run of llmops: a driver for the backend as its models need it, and the instance of one of them. */
function run(parallel: number, env: Readonly<Record<string, string>> = {}): { readonly driver: Driver; readonly spec: InstanceSpec } {
  const models = [world.model({ parallel }), world.model({ name: 'other', parallel })];
  Object.assign(options, backend.forModels?.(world.backendSpec(), models).options);
  return { driver: world.connect({ env }), spec: world.spec({ parallel }) };
}

const look = (driver: Driver) => driver.observe(io().signal);
const leaders = async () => (await world.processes()).filter(({ pid, group }) => pid === group);
const environment = async () => (await leaders())[0]?.env() ?? {};
const retire = (driver: Driver) => driver.retire?.(io().signal, new Set());

describe('A server that llmops serves', () => {
  it('counts as there while it does not run, with nothing on it; looking starts nothing', async () => {
    const { driver, spec } = run(1);
    expect(await look(driver)).toMatchObject({
      status: 'reachable',
      instances: [],
      engine: { status: 'present', version: '(not running)', at: options['engine'] as string },
    });
    expect(await driver.look(spec.id, io().signal)).toBeNull();
    for (const op of ['withdraw', 'drain', 'stop'] as const)
      await driver.perform[op]?.(step(op as 'stop', spec, { specHash: null, process: null }) as never, io());
    expect(await world.processes()).toEqual([]);
  });

  it('is started by the first pull, with what its models ask for and nothing that the surroundings say about that', async () => {
    options['store'] = 'models';
    const { driver, spec } = run(3, { OLLAMA_NUM_PARALLEL: '9', OLLAMA_HOST: '0.0.0.0', LLAMA_ARG_N_CPU_MOE: '4', OLLAMA_DEBUG: '1' });
    await world.serve(driver, spec);
    expect(await environment()).toMatchObject({
      OLLAMA_HOST: new URL(String(options['url'])).host,
      OLLAMA_NUM_PARALLEL: '3',
      OLLAMA_NO_CLOUD: '1',
      OLLAMA_MAX_LOADED_MODELS: '16',
      OLLAMA_MODELS: join(world.dir, 'models'),
      OLLAMA_DEBUG: '1',
    });
    expect(await environment()).not.toHaveProperty('LLAMA_ARG_N_CPU_MOE');
    const server = `${new URL(String(options['url'])).host}, models`;
    expect(await look(driver)).toMatchObject({
      instances: [{ configured: { parallel: 3, 'options.server': server }, logFile: expect.stringContaining('logs') as string }],
    });
  });

  it('is one for everybody who needs it at the same time, and for the next run', async () => {
    const [one, two] = [run(1), run(1)];
    await Promise.all([world.start(one.driver, one.spec), world.start(two.driver, two.spec)]);
    const [leader, ...more] = await leaders();
    expect(more).toEqual([]);
    await world.start(run(1).driver, one.spec);
    expect((await leaders()).map(({ pid }) => pid)).toEqual([leader?.pid]);
  });

  it('is started anew for a copy that needs other settings, and not while another copy is in use', async () => {
    const first = run(1);
    await world.serve(first.driver, first.spec);
    await first.driver.perform.publish?.(step('publish', first.spec, {}), io());
    const [before] = await leaders();
    const { driver, spec } = run(2);
    expect(await codeOf(driver.perform.start(step('start', spec, { spec }), io()))).toBe('needs-server-restart');
    await world.stop(driver, first.spec, null);
    await world.start(driver, spec).catch(() => undefined); // the fake keeps nothing on disk
    const [after] = await leaders();
    expect([after?.pid === before?.pid, (await environment())['OLLAMA_NUM_PARALLEL']]).toEqual([false, '2']);
  });

  it('that was killed leaves its runners, which end before it is started again', async () => {
    const { driver, spec } = run(1);
    await world.start(driver, spec);
    const old = await world.processes();
    expect(old.length).toBeGreaterThan(1);
    kill((await leaders())[0]?.pid ?? 0, 'SIGKILL');
    await eventually(async () => (await leaders()).length === 0);
    await eventually(async () => (await look(driver)).status === 'reachable'); // the kernel lets go of its port a moment later
    expect(await look(driver)).toMatchObject({ engine: { version: '(not running)' } });
    await world.start(driver, spec);
    const pids = new Set((await world.processes()).map(({ pid }) => pid));
    expect(old.filter(({ pid }) => pids.has(pid))).toEqual([]);
  });

  it('is ended when a run is over and no copy is left on it, and not before', async () => {
    const { driver, spec } = run(1);
    await world.serve(driver, spec);
    expect([await retire(driver), (await leaders()).length]).toEqual([[], 1]);
    await world.stop(driver, spec, null);
    expect([await retire(driver), await world.processes()]).toEqual([[], []]);
    expect(await retire(driver)).toEqual([]);
  });

  it('is ended too when the file does not say `serve` any more', async () => {
    const { driver, spec } = run(1);
    await world.serve(driver, spec);
    await world.stop(driver, spec, null);
    options['serve'] = false;
    expect([await retire(world.connect()), await world.processes()]).toEqual([[], []]);
  });

  it('that does not come up says why, and leaves nothing behind', async () => {
    const { driver, spec } = run(1, { FAKE_OLLAMA_BREAKS: '1' });
    await expect(world.start(driver, spec)).rejects.toMatchObject({
      problem: { code: 'engine-ended', summary: expect.stringContaining('$HOME is not defined') as string },
    });
    expect(await world.processes()).toEqual([]);
  });

  it('needs a program', async () => {
    options['engine'] = './none';
    const { driver, spec } = run(1);
    expect(await look(driver)).toMatchObject({ status: 'reachable', engine: { status: 'absent', problem: { code: 'engine-absent' } } });
    expect(await codeOf(driver.prepare?.(step('start', spec, { spec }), io()) ?? Promise.resolve())).toBe('engine-absent');
  });

  it('listens on this machine alone', async () => {
    for (const url of ['http://0.0.0.0:1234', 'http://box.example:11434', 'https://127.0.0.1:1234']) {
      options['url'] = url;
      expect(await look(run(1).driver)).toMatchObject({ status: 'unreachable', problem: { code: 'serve-elsewhere' } });
    }
  });
});

describe('Somebody else at the address of a server that llmops is to serve', () => {
  let stranger: Server;
  beforeEach(async () => {
    stranger = createServer((_request, response) => response.end('Ollama is running'));
    await new Promise<void>((listens) => stranger.listen(Number(new URL(String(options['url'])).port), '127.0.0.1', listens));
  });
  afterEach(() => void stranger.close());

  it('is named and left alone', async () => {
    const { driver, spec } = run(1);
    expect(await look(driver)).toMatchObject({ status: 'unreachable', problem: { code: 'port-taken' } });
    expect(await codeOf(world.start(driver, spec))).toBe('port-taken');
    expect(await world.processes()).toEqual([]);
  });
});

describe('What models ask of a server that they share', () => {
  const served = (server: JsonObject, ...models: Parameters<World['model']>[0][]): BackendSpec => {
    const spec = { ...world.backendSpec(), options: { ...options, server } };
    return (
      backend.forModels?.(
        spec,
        models.map((model) => world.model(model)),
      ) ?? spec
    );
  };
  const codes = (spec: BackendSpec, model: Parameters<World['model']>[0]) => {
    const artifact = { source: '', path: '', bytes: 1, sha256: 'aa', gguf: null };
    const engine = { status: 'present' as const, at: '', version: '(not running)', capabilities: [] };
    const seen = { status: 'reachable' as const, name: spec.name, type: spec.type, engine, instances: [], memory: [] };
    return backend.check(world.model(model), artifact, spec, seen).map(({ severity, code }) => `${severity} ${code}`);
  };

  it('is set if they agree; a model that asks for nothing agrees with all', () => {
    const spec = served({}, { parallel: 2, kvCache: 'q8_0' }, { parallel: 2 });
    expect(codes(spec, { parallel: 2 })).toEqual([]);
    expect(backend.fields(world.model({ parallel: 2 }), { source: '', path: '', bytes: 1, sha256: '', gguf: null }, spec)).toMatchObject({
      parallel: 2,
      kvCache: 'q8_0',
    });
  });

  it('is refused if they do not, unless the file says what the server is started with', () => {
    expect(codes(served({}, { parallel: 2 }, { parallel: 1 }), { parallel: 1 })).toEqual(['error server-shared']);
    expect(codes(served({ parallel: 4 }, { parallel: 2 }, { parallel: 1 }), { parallel: 2 })).toEqual([]);
    expect(codes(served({ kvCache: 'q8_0' }, { kvCache: 'f16' }), { kvCache: 'f16' })).toEqual(['error server-shared']);
  });
});
