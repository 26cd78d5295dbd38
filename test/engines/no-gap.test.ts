import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStream, type Stream } from '../contract/streams.ts';
import { steadyClient, TRIAGED, triage, type Seen } from './real/clients.ts';
import { freePort } from './real/ports.ts';
import { until, valueOf } from './real/proc.ts';
import { EMBEDDED, LLAMA, makeRig, type Rig } from './real/rig.ts';

let rig: Rig;
beforeAll(async () => (rig = await makeRig()));
afterAll(() => rig.end());
afterEach(() => rig.ok('down', '-y'));

/** Applies while a client goes on asking; the client's view of it, printed for people. */
async function applyUnderLoad(name: string): Promise<Seen> {
  const client = steadyClient(() => rig.endpoint());
  await rig.ok('apply', '-y');
  const seen = await client.stop();
  console.log(`${name}: ${seen.figures}`);
  return seen;
}

const BUSY = 8;

/**
 * Keeps an engine busy with more streams than it serves at once, so that some wait in its queue, until clients are sent
 * elsewhere: however fast it is, it has taken streams that are not done at that moment. Resolves to all of them.
 */
async function streamUntilMoved(): Promise<{ readonly streams: readonly Stream[]; readonly open: number }> {
  const url = rig.endpoint()?.url ?? '';
  const streams: Stream[] = [];
  const openNow = () => streams.filter((stream) => !stream.isOver()).length;
  await until(() => {
    const moved = rig.endpoint()?.url !== url;
    if (moved) return true;
    while (openNow() < BUSY) streams.push(openStream(url, { prompt: 'Hello', max_tokens: 400, ignore_eos: true }));
    return false;
  });
  return { streams, open: openNow() };
}

describe.each([
  { engine: 'llama-server', backend: LLAMA },
  { engine: 'the embedded engine', backend: EMBEDDED },
])('With new before old on $engine', ({ engine, backend }) => {
  beforeEach(async () => {
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 512, parallel: 2' }, backend);
    await rig.ok('apply', '-y');
  });

  it('no client sees a change of context', async () => {
    const old = rig.engine().pid;
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 1024, parallel: 2' }, backend);
    const { failures, gaps, outcomes } = await applyUnderLoad(`${engine}, context 512 to 1024`);
    expect(failures).toEqual([]);
    expect(gaps).toBe(0);
    expect(outcomes.length).toBeGreaterThan(5);
    expect(rig.engine().pid).not.toBe(old);
  });

  it('no client sees a change of quantization, and the answers are those of the new file', async () => {
    await rig.declare({ desk: 'source: file:desk-Q8_0.gguf, context: 512, parallel: 2' }, backend);
    expect(await rig.ok('plan')).toMatch(/source .*file:desk-F16\.gguf → file:desk-Q8_0\.gguf/);
    const { failures, gaps } = await applyUnderLoad(`${engine}, F16 to Q8_0`);
    expect(failures).toEqual([]);
    expect(gaps).toBe(0);
    expect(rig.engine().args.join(' ')).toContain('desk-Q8_0.gguf');
    expect(await triage(rig.endpoint()?.url ?? '')).toEqual(TRIAGED);
  });

  it('streams that the old copy has taken are finished by it while new requests go to the new one', async () => {
    const old = rig.engine().pid;
    await rig.declare({ desk: 'source: file:desk-F16.gguf, context: 1024, parallel: 2' }, backend);
    const applying = rig.start('apply', '-y');
    const { streams, open } = await streamUntilMoved();
    expect(open, 'streams in flight when clients were sent to the new copy').toBeGreaterThan(0);
    expect(await Promise.all(streams.map((stream) => stream.ended))).toEqual(streams.map(() => true));
    expect((await applying.ended).code).toBe(0);
    expect(rig.engine().pid).not.toBe(old);
    console.log(`${engine}: ${open} of ${streams.length} streams were in flight over the change, all complete`);
  });
});

describe('A backend whose type is changed', () => {
  it.each([
    { from: LLAMA, to: EMBEDDED },
    { from: EMBEDDED, to: LLAMA },
  ])('gives its models to the new engine without a gap, and leaves nothing of the old one: $to', async ({ from, to }) => {
    const model = { desk: 'source: file:desk-F16.gguf, context: 512' };
    await rig.declare(model, from);
    await rig.ok('apply', '-y');
    const old = rig.engine().pid;
    await rig.declare(model, to);
    const { failures, gaps } = await applyUnderLoad(`to ${to}`);
    expect([failures, gaps]).toEqual([[], 0]);
    expect(rig.engine().pid).not.toBe(old);
    expect((await rig.llmops('plan', '--detailed-exitcode')).code).toBe(0);
  });
});

describe('With old before new', () => {
  const change = async (rest: string) => {
    await rig.declare({ desk: `source: file:desk-F16.gguf, context: 512, parallel: 1, ${rest}` });
    await rig.ok('apply', '-y');
    await rig.declare({ desk: `source: file:desk-F16.gguf, context: 1024, parallel: 1, ${rest}` });
  };

  it('there is exactly one gap, in which clients are told that there is nobody, and no request is cut', async () => {
    await change('rollout: { strategy: swap }');
    const seen = await applyUnderLoad('swap');
    expect(seen.failures).toEqual([]);
    expect(seen.gaps).toBe(1);
    expect(seen.outcomes.at(-1)?.is).toBe('answered');
  });

  it('a fixed port stays what it is', async () => {
    const port = await freePort();
    await change(`options: { port: ${port} }`);
    const plan = await rig.ok('plan');
    expect(plan).toContain('stop old, then start new');
    const seen = await applyUnderLoad('fixed port');
    expect(seen.failures).toEqual([]);
    expect(seen.gaps).toBe(1);
    expect(rig.endpoint()?.url).toBe(`http://127.0.0.1:${port}`);
    expect(valueOf(rig.engine().args, '--port')).toBe(String(port));
  });

  it('streams that were taken, those in the queue too, are complete before the old copy ends', async () => {
    await change('rollout: { strategy: swap }');
    const old = rig.engine().pid;
    const applying = rig.start('apply', '-y');
    const { streams, open } = await streamUntilMoved();
    expect(open, 'streams in flight when clients were sent away').toBeGreaterThan(0);
    expect(await Promise.all(streams.map((stream) => stream.ended))).toEqual(streams.map(() => true));
    expect((await applying.ended).code).toBe(0);
    expect(rig.engine().pid).not.toBe(old);
  });

  it('requests that outlast the drain are cut', async () => {
    await change("rollout: { strategy: swap, drain: 50ms }, options: { args: ['--context-shift'] }");
    // The engine forgets the oldest tokens to make room, so this one has no end of its own, however fast the machine is.
    const endless = openStream(rig.endpoint()?.url ?? '', { prompt: 'Hello', max_tokens: 1_000_000_000, ignore_eos: true });
    await endless.begun;
    await rig.ok('apply', '-y');
    expect(await endless.ended).toBe(false);
    expect(rig.processes()).toHaveLength(1);
  });
});
