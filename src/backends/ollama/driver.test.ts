import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually, io, step } from '../../../test/contract/world.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import { freePort } from '../kit/ports.ts';
import { connectServer } from './driver.ts';
import { codeOf, gate, useStage } from './fake/stage.ts';

const stage = useStage();

describe('A server that cannot be looked at', () => {
  const unreachable = (url: string) => {
    const spec = { ...stage.world.backendSpec(), options: { url } };
    const context = { stack: 'contract', stateDir: stage.world.stateDir, cacheDir: stage.world.dir, baseDir: stage.world.dir, env: {} };
    return connectServer(spec, context).observe(AbortSignal.timeout(500));
  };

  it('is unreachable, never empty: nobody listens, it is silent, or it is something else', async () => {
    const refused = await unreachable(`http://127.0.0.1:${await freePort()}`);
    expect(refused).toMatchObject({
      status: 'unreachable',
      problem: { code: 'engine-refused', fix: expect.stringContaining('ollama serve') as string },
    });
    stage.fake.faults.page = '<html>Log in</html>';
    expect(await unreachable(stage.fake.url)).toMatchObject({ status: 'unreachable', problem: { code: 'engine-garbled' } });
    const { held, open } = gate();
    Object.assign(stage.fake.faults, { page: null, hold: held });
    expect(await unreachable(stage.fake.url)).toMatchObject({ status: 'unreachable' });
    open();
  });

  it('says what a server does to a host name that is not its own', async () => {
    const url = stage.fake.url.replace('127.0.0.1', '[::ffff:127.0.0.1]');
    const observed = await unreachable(url);
    expect(observed).toMatchObject({
      status: 'unreachable',
      problem: { code: 'engine-refused-request', fix: expect.stringContaining('OLLAMA_HOST') as string },
    });
  });

  it('of which a list is no list is unreachable, too', async () => {
    stage.fake.faults.lie = () => ({ models: 'none' });
    expect(await stage.driver.observe(io().signal)).toMatchObject({ status: 'unreachable', problem: { code: 'engine-garbled' } });
  });
});

describe('A model that somebody unloaded', () => {
  const unload = async () => {
    await stage.user.post('/api/generate', { model: 'chat', keep_alive: 0, stream: false });
    await eventually(async () => (await stage.user.ps()).length === 0);
  };

  it('is starting, with the reason; a probe loads it, and its name is never taken away for that', async () => {
    const spec = stage.world.spec();
    await stage.world.serve(stage.driver, spec);
    await stage.publish(spec);
    await unload();
    expect(await stage.look(spec)).toMatchObject({ phase: 'starting', names: ['chat'], loaded: null, problem: { code: 'model-unloaded' } });
    await stage.probe(spec);
    expect(await stage.look(spec)).toMatchObject({ phase: 'serving', names: ['chat'], problem: null });
  });

  it('serves all the same where it may go when it is idle', async () => {
    const spec = stage.world.spec({ options: { keepAlive: 60_000 } });
    await stage.world.serve(stage.driver, spec);
    expect(await stage.user.ps()).toHaveLength(1);
    await stage.publish(spec);
    await unload();
    expect(await stage.look(spec)).toMatchObject({ phase: 'serving', loaded: null, configured: { 'options.keepAlive': 60_000 } });
  });

  it('goes by itself after its time', async () => {
    const spec = stage.world.spec({ options: { keepAlive: 30 } });
    await stage.world.serve(stage.driver, spec);
    await eventually(async () => (await stage.user.ps()).length === 0);
  });
});

describe('Requests in flight', () => {
  const inFlight = async (spec: InstanceSpec) => {
    await stage.world.serve(stage.driver, spec);
    const { held, open } = gate();
    stage.fake.holdAnswer = held;
    const answered = stage.user.post('/api/generate', { model: stage.fake.copies()[0], prompt: 'Hello', stream: false });
    await eventually(() => Promise.resolve(stage.fake.runners.list()[0]?.refs === 1));
    return { answered, open };
  };

  it('are waited for by a drain, which says what cannot be known', async () => {
    const spec = stage.world.spec();
    const { answered, open } = await inFlight(spec);
    const said: string[] = [];
    await stage.driver.perform.drain(
      step('drain', spec, {}),
      io((message) => (said.push(message), open())),
    );
    expect(said.join('\n')).toContain('does not tell how many requests');
    expect(await answered).toMatchObject({ done: true });
    expect(await stage.user.ps()).toEqual([]);
  });

  it('outlast a drain that has no time, and a stop that does not cut them', async () => {
    const spec = stage.world.spec();
    const { answered, open } = await inFlight(spec);
    const said: string[] = [];
    await stage.driver.perform.drain(
      step('drain', spec, { deadlineMs: 0 }),
      io((message) => said.push(message)),
    );
    expect(said.at(-1)).toContain('not waiting any longer');
    const patience = new AbortController();
    const stop = stage.driver.perform.stop(
      step('stop', spec, { specHash: spec.specHash, process: null }),
      io(() => patience.abort(), patience.signal),
    );
    expect(await codeOf(stop)).toBe('requests-in-flight');
    expect(stage.fake.copies()).toHaveLength(1);
    open();
    expect(await answered).toMatchObject({ done: true });
    await stage.world.stop(stage.driver, spec, null);
    expect([stage.fake.copies(), await stage.user.ps()]).toEqual([[], []]);
  });

  it('are not waited for any more when a drain is cancelled', async () => {
    const spec = stage.world.spec();
    const { answered, open } = await inFlight(spec);
    const stop = new AbortController();
    const draining = stage.driver.perform.drain(
      step('drain', spec, {}),
      io(() => stop.abort(), stop.signal),
    );
    expect(await codeOf(draining)).toBe('cancelled');
    open();
    await answered;
  });
});

describe('A server behind a proxy', () => {
  it('is sent the key, which is in no text', async () => {
    const keys: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      keys.push(request.headers.authorization);
      response.end(JSON.stringify({ version: '0.34.4', models: [] }));
    });
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ollama/`;
    const context = {
      stack: 'contract',
      stateDir: stage.world.stateDir,
      cacheDir: stage.world.dir,
      baseDir: stage.world.dir,
      env: { OLLAMA_KEY: 'open-sesame' },
    };
    const at = (name: string) => connectServer({ ...stage.world.backendSpec(), options: { url, apiKey: { env: name } } }, context);
    const observed = await at('OLLAMA_KEY').observe(io().signal);
    expect(observed.status).toBe('reachable');
    expect(new Set(keys)).toEqual(new Set(['Bearer open-sesame']));
    expect(JSON.stringify(observed)).not.toContain('open-sesame');
    expect(await at('NO_SUCH').observe(io().signal)).toMatchObject({ status: 'unreachable', problem: { code: 'secret-unavailable' } });
    server.close();
  });
});
