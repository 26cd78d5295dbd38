import { describe, expect, it, vi } from 'vitest';
import { pictureOf, type Picture } from '../crash/picture.ts';
import type { Fault } from '../world/server.ts';
import { memoryDisk } from '../world/memory-disk.ts';
import type { StackTold } from '../world/stack.ts';
import { bench, type Bench } from './helpers.ts';

const before: StackTold = { models: { chat: {}, embed: {} } };
const wish: StackTold = { models: { chat: { context: 2048 } } };

/** Longer than any deadline of a step. */
const LONG_MS = 24 * 3_600_000;

/**
 * The change of one model and the end of another, with one call going wrong. Deadlines pass when a call gets no answer and at no
 * other time: on a busy machine nothing else is given up in the middle. Timers of Node itself go on as ever.
 */
async function play(table: Bench, fault: Fault | null): Promise<{ readonly struck: boolean; readonly done: boolean }> {
  await table.converge(before);
  const plan = await table.plan(wish);
  let struck = false;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const strike = () => {
      struck = true;
      if (fault?.kind === 'hang') vi.advanceTimersByTime(LONG_MS);
    };
    if (fault) table.world.fault({ ...fault, struck: strike });
    // One at a time where deadlines pass: that of the step without an answer, and of no other one.
    const result = await table.apply(plan, wish, { graceMs: 0, ...(fault?.kind === 'hang' ? { parallelism: 1 } : {}) });
    table.world.clearFaults();
    expectServed(table, await seenOf(table));
    table.world.settle();
    return { struck, done: result.outcome === 'succeeded' };
  } finally {
    vi.useRealTimers();
  }
}

/** Whatever went wrong: clients of `chat` are sent to a copy that serves. */
function expectServed({ world }: Bench, seen: Picture): void {
  const endpoint = seen.endpoints['chat'] as { readonly instance: string };
  expect(world.realm('local').instances.get(endpoint.instance)?.phase).toBe('serving');
}

const seenOf = async (table: Bench) => {
  const { inventory } = await table.state.read();
  return pictureOf(table.world, ['local'], inventory);
};

describe('a line that fails at any call of an apply', () => {
  const kinds: readonly Fault['kind'][] = ['status', 'half', 'drop', 'drop-after', 'lie', 'late', 'hang'];

  it.each(kinds)('%s: clients are served all the time, and the next apply finishes', async (kind) => {
    const table = await bench({}, memoryDisk());
    await play(table, null);
    const whole = await seenOf(table);
    let failed = 0;
    for (let at = 1; ; at += 1) {
      const { struck, done } = await play(table, { kind, at });
      if (!struck) break;
      if (!done) failed += 1;
      const next = await table.converge(wish);
      expect(next.outcome, `call ${at}`).toBe('succeeded');
      expect((await table.plan(wish)).steps, `call ${at}`).toEqual([]);
      expect(await seenOf(table), `call ${at}`).toEqual(whole);
    }
    expect(failed).toBeGreaterThan(5);
  });

  it('makes no step of a backend that cannot be seen, and deletes nothing of it', async () => {
    const table = await bench();
    await table.converge(before);
    table.world.fault({ kind: 'drop' });
    expect((await table.plan(wish)).steps).toEqual([]);
  });
});

describe('what is asked of an engine', () => {
  it('to plan: one list and nothing else, so that a dry run is dry', async () => {
    const table = await bench();
    await table.converge(before);
    const from = table.world.requests.length;
    await table.plan(wish);
    expect(table.world.requests.slice(from)).toEqual(['GET /local/instances']);
  });

  it('at the same time: no more acts than one backend may have', async () => {
    const table = await bench({ startMs: 5, probeMs: 5 });
    const models = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`m${at}`, {}]));
    await table.converge({ models }, { perBackend: 3 });
    expect(table.world.peak.get('local')).toBe(3);
  });
});
