import { describe, expect, it } from 'vitest';
import type { Driver } from '../../domain/backend.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { ObservedInstance } from '../../domain/observed.ts';
import type { Clock } from './clock.ts';
import { createSupervisor, supervise, type Watched } from './supervise.ts';

const spec: InstanceSpec = {
  id: 'chat-1',
  stack: 's',
  backend: 'b',
  model: 'chat',
  specHash: '1',
  fields: {},
  weights: { path: '', sha256: '', bytes: 0 },
  options: {},
};
const policy = { firstMs: 100, factor: 2, capMs: 300, giveUpAfter: 3, healthyMs: 10_000 };

/** A world of one instance that crashes when the test says so, and a clock that the test moves. */
function setUp(code = 'engine-crashed') {
  let now = 0;
  let phase: ObservedInstance['phase'] | null = 'serving';
  const starts: number[] = [];
  const events: Watched[] = [];
  const problem = { severity: 'error', code, summary: 'it ended' } as const;
  const look = async () =>
    phase === null ? null : ({ phase, problem: phase === 'failed' ? problem : null, logFile: null } as unknown as ObservedInstance);
  const start = async () => void (starts.push(now), (phase = 'starting'));
  const driver = { look, perform: { start } } as unknown as Driver;
  const clock: Clock = { now: () => now, sleep: async (ms) => void (now += ms) };
  const stop = new AbortController();
  const options = { specs: () => [spec], clock, signal: stop.signal, report: (event: Watched) => void events.push(event), policy };
  const round = createSupervisor(driver, options);
  const crash = () => (phase = 'failed');
  return { driver, options, stop, starts, events, round, crash, vanish: () => (phase = null), pass: (ms: number) => (now += ms) };
}

describe('Supervision', () => {
  it('starts a crashed instance again, after pauses that grow up to the cap', async () => {
    const world = setUp();
    await world.round();
    const pauses: number[] = [];
    for (let crashes = 0; crashes < 3; crashes += 1) {
      world.crash();
      await world.round();
      const waiting = world.events.at(-1);
      pauses.push(waiting?.type === 'waiting' ? waiting.inMs : -1);
      world.pass(pauses.at(-1) as number);
      await world.round();
      await world.round();
    }
    expect(pauses).toEqual([100, 200, 300]);
    expect(world.starts).toHaveLength(3);
  });

  it('does not start before the pause is over', async () => {
    const world = setUp();
    world.crash();
    await world.round();
    world.pass(99);
    await world.round();
    expect(world.starts).toEqual([]);
  });

  it('gives up after so many crashes in a row, says so once, and leaves it failed', async () => {
    const world = setUp();
    for (let crashes = 0; crashes < 6; crashes += 1) {
      world.crash();
      await world.round();
      world.pass(1000);
      await world.round();
    }
    expect(world.starts).toHaveLength(3);
    expect(world.events.filter(({ type }) => type === 'gave-up')).toHaveLength(1);
  });

  it('forgets earlier crashes of an instance that ran long enough', async () => {
    const world = setUp();
    for (let crashes = 0; crashes < 5; crashes += 1) {
      world.crash();
      await world.round();
      world.pass(100);
      await world.round();
      world.pass(10_000);
      await world.round();
    }
    expect(world.starts).toHaveLength(5);
  });

  it('does not try what another start cannot mend', async () => {
    const world = setUp('weights-damaged');
    world.crash();
    await world.round();
    expect(world.events).toMatchObject([{ type: 'gave-up', problem: { code: 'weights-damaged' } }]);
  });

  it('leaves an instance alone that was stopped on purpose', async () => {
    const world = setUp();
    world.vanish();
    await world.round();
    world.pass(1000);
    await world.round();
    expect([world.starts, world.events]).toEqual([[], []]);
  });

  it('ends when it is told to', async () => {
    const world = setUp();
    world.crash();
    await supervise(world.driver, { ...world.options, report: (event) => event.type === 'restarted' && world.stop.abort() });
    expect(world.starts).toHaveLength(1);
  });
});
