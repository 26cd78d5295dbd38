import { describe, expect, it } from 'vitest';
import { eventually, io, step } from '../../../test/contract/world.ts';
import { codeOf, gate, useStage } from './fake/stage.ts';
import { writeFakeWeights } from './fake/weights.ts';

const stage = useStage();

describe('A probe', () => {
  it('that is cancelled while it loads ends the load: nothing of it stays in memory', async () => {
    const spec = stage.world.spec();
    await stage.world.start(stage.driver, spec);
    const { held, open } = gate();
    stage.fake.machine.holdLoad = held;
    const stop = new AbortController();
    const probing = codeOf(
      stage.probe(
        spec,
        io(() => setTimeout(() => stop.abort(), 20), stop.signal),
      ),
    );
    expect(await probing).toBe('cancelled');
    await eventually(() => Promise.resolve(stage.fake.left === 1));
    open();
    await new Promise((next) => setTimeout(next, 20));
    expect(await stage.user.ps()).toEqual([]);
    expect(await stage.look(spec)).toMatchObject({ phase: 'starting', problem: null });
  });

  it('that has no time left says that the model was still loading', async () => {
    const spec = stage.world.spec();
    await stage.world.start(stage.driver, spec);
    stage.fake.machine.holdLoad = gate().held;
    const late = stage.driver.perform.probe(
      step('probe', spec, { spec, onFailure: 'leave', deadlineMs: 100 }),
      io(undefined, AbortSignal.timeout(100)),
    );
    expect(await codeOf(late)).toBe('probe-timeout');
  });

  it('waits for a server that is busy', async () => {
    const spec = stage.world.spec();
    await stage.world.start(stage.driver, spec);
    stage.fake.faults.busy = 1;
    const said: string[] = [];
    await stage.probe(
      spec,
      io((message) => said.push(message)),
    );
    expect(said).toContain('waiting: the server has too many requests');
  });

  it('that fails is remembered with its reason until it succeeds', async () => {
    const spec = stage.world.spec();
    await stage.world.start(stage.driver, spec);
    stage.fake.machine.failLoad = 'cudaMalloc failed: out of memory';
    expect(await codeOf(stage.probe(spec))).toBe('out-of-memory');
    expect(await stage.look(spec)).toMatchObject({
      phase: 'failed',
      problem: { code: 'out-of-memory', details: [expect.any(String) as string, expect.any(String) as string] },
    });
    stage.fake.machine.failLoad = null;
    await stage.probe(spec);
    expect(await stage.look(spec)).toMatchObject({ phase: 'serving', problem: null });
  });

  it('that fails on the way to the server says nothing of the copy', async () => {
    const spec = stage.world.spec();
    await stage.world.start(stage.driver, spec);
    stage.fake.faults.page = '<html>Bad gateway</html>';
    expect(await codeOf(stage.probe(spec))).toBe('engine-garbled');
    stage.fake.faults.page = null;
    expect(await stage.look(spec)).toMatchObject({ phase: 'starting', problem: null });
  });

  it('lets what moved be where its owner says so, and nothing else', async () => {
    const spec = stage.world.spec({ options: { threads: 1, system: 'Be short.' } });
    await stage.world.start(stage.driver, spec);
    const name = (await stage.user.names()).find((one) => one.includes(spec.specHash)) ?? '';
    await stage.user.post('/api/create', { model: name, from: name, system: 'Be loud.', stream: false });
    const probe = (...tolerates: readonly string[]) =>
      codeOf(stage.driver.perform.probe(step('probe', spec, { spec, onFailure: 'leave', tolerates }), io()));
    expect([await probe(), await probe('context'), await probe('options.system')]).toEqual([
      'setting-not-in-force',
      'setting-not-in-force',
      'done',
    ]);
    expect(await stage.look(spec)).toMatchObject({ phase: 'serving', problem: null });
    // One that is made anew is made as it is declared.
    await stage.world.start(stage.driver, spec);
    expect((await stage.look(spec)).configured['options.system']).toBe('Be short.');
  });

  it('names a context that was taken down in silence', async () => {
    const spec = stage.world.spec({ context: 2048 });
    await stage.world.start(stage.driver, spec);
    await expect(stage.probe(spec)).rejects.toMatchObject({
      problem: { code: 'context-exceeds-model', summary: expect.stringContaining('took it down to 1024') as string },
    });
  });

  it('believes no list that does not name what was loaded, or names other settings', async () => {
    const spec = stage.world.spec();
    await stage.world.start(stage.driver, spec);
    stage.fake.faults.lie = () => ({ models: [{ name: 1 }, null, 'row'] });
    expect(await codeOf(stage.probe(spec))).toBe('probe-failed');
    stage.fake.faults.lie = ({ models }) => ({
      models: (models as { readonly [key: string]: string }[]).map((row) => ({ ...row, context_length: 77 })),
    });
    expect(await codeOf(stage.probe(spec))).toBe('setting-not-in-force');
  }, 30_000);

  it('of a model that makes vectors asks for one', async () => {
    const spec = stage.world.spec({}, writeFakeWeights(`${stage.world.dir}/embed.gguf`, { embeds: true }));
    expect((await stage.world.serve(stage.driver, spec)).phase).toBe('serving');
    expect(stage.fake.requests.filter((request) => request === 'POST /api/embed').length).toBeGreaterThan(0);
  });
});
