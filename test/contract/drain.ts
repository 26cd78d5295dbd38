import { expect } from 'vitest';
import type { Case } from './cases.ts';
import { openStream, type Stream } from './streams.ts';
import { eventually, io, kill, step, type World } from './world.ts';

/** Admitted requests are waited for, and not for ever. */
export const drainCases: readonly Case[] = [
  [
    'draining waits for a stream in flight',
    async (world) => {
      const { driver, spec, stream, finish } = await streaming(world);
      let wasOver: boolean | null = null;
      const draining = driver.perform
        .drain(
          step('drain', spec, {}),
          io(() => finish()),
        )
        .then(() => (wasOver = stream.isOver()));
      await draining;
      expect(wasOver).toBe(true);
      expect(await stream.ended).toBe(true);
    },
  ],
  [
    'draining that passes its deadline says what will be cut, and is no failure',
    async (world) => {
      const { driver, spec, stream, finish } = await streaming(world);
      const end = await driver.perform.drain(step('drain', spec, { deadlineMs: 0 }), io());
      expect(end).toEqual({ cut: 1, note: 'deadline passed, 1 request is cut' });
      finish();
      stream.cancel();
    },
  ],
  [
    'an instance with a request in flight says so',
    async (world) => {
      const { driver, spec, stream, finish } = await streaming(world);
      expect(await driver.look(spec.id, io().signal)).toMatchObject({ phase: 'serving', activeRequests: 1 });
      finish();
      await stream.ended;
      await eventually(async () => (await driver.look(spec.id, io().signal))?.activeRequests === 0);
    },
  ],
  [
    'an instance that is idle, or gone, is drained',
    async (world) => {
      const [driver, spec] = [world.connect(), world.spec()];
      await driver.perform.drain(step('drain', spec, {}), io());
      const { process } = await world.serve(driver, spec);
      await driver.perform.drain(step('drain', spec, {}), io());
      if (process === null) await world.stop(driver, spec, null);
      else kill(process.pid, 'SIGKILL');
      await driver.perform.drain(step('drain', spec, {}), io());
    },
  ],
  [
    'draining ends when it is cancelled',
    async (world) => {
      const { driver, spec, stream, finish } = await streaming(world);
      const stop = new AbortController();
      const draining = driver.perform.drain(
        step('drain', spec, {}),
        io(() => stop.abort(), stop.signal),
      );
      await expect(draining).rejects.toMatchObject({ problem: { code: 'cancelled' } });
      finish();
      stream.cancel();
    },
  ],
];

async function streaming(
  world: World,
): Promise<{ driver: ReturnType<World['connect']>; spec: ReturnType<World['spec']>; stream: Stream; finish: () => void }> {
  const long = world.conformance.longRequest?.(world.dir);
  if (long === undefined) throw new Error('the suite was told of no long request');
  const driver = world.connect(long.env ? { env: long.env } : {});
  const spec = world.spec({ context: 1024 });
  const { endpoint } = await world.serve(driver, spec);
  const stream = openStream(endpoint ?? '', long.body);
  await stream.begun;
  return { driver, spec, stream, finish: long.finish ?? (() => undefined) };
}
