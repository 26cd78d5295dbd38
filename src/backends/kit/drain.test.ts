import { describe, expect, it } from 'vitest';
import type { Drained } from '../../domain/backend.ts';
import type { StepOf } from '../../domain/plan.ts';
import { Admitted, type Requests } from './admitted.ts';
import { drainInstance } from './drain.ts';
import { encodeMarker } from './marker.ts';
import type { Parts } from './parts.ts';

/** What an instance says at each look; after the last one it stays so. */
type Story = readonly (Requests | null)[];

const working = (...tasks: readonly (number | null)[]): Requests => ({ working: tasks, waiting: 0 });

/** Drains an instance that tells this story, on a clock that only moves while the drain waits. Tells how that ended, and after how many looks. */
async function drain(story: Story, asked: { readonly open?: true; readonly deadlineMs?: number } = {}) {
  const marker = encodeMarker({
    v: 1,
    stackId: 's',
    stack: 'shop',
    type: 'test',
    backend: 'local',
    model: 'chat',
    id: 'chat-1',
    specHash: '1',
    digest: 'aa',
    port: 4711,
    logFile: '',
  });
  const entry = { pid: 4, parent: 1, group: 4, started: '1', startedAt: null, args: [], marker, env: () => ({}), memoryBytes: () => null };
  let [looks, now] = [0, 0];
  const parts = {
    engine: { type: 'test', configured: () => ({}), requests: async () => story[Math.min(looks++, story.length - 1)] },
    spec: { name: 'local' },
    table: { list: async () => [entry] },
    records: { adopted: () => [] },
    clock: { now: () => now, sleep: async (ms: number) => void (now += ms) },
    stackId: 's',
    askMs: 1000,
  } as unknown as Parts;
  const step = { op: 'drain', model: 'chat', instance: 'chat-1', deadlineMs: 60_000, ...asked } as StepOf<'drain'>;
  const io = { signal: new AbortController().signal, progress: () => undefined, transfer: () => undefined };
  const end: Drained | null = await drainInstance(step, parts, io);
  return { end, looks };
}

describe('Draining', () => {
  it('waits until nothing is in flight, and believes one idle look as little as two', async () => {
    expect(await drain([working(7), working(), working(8), working()])).toEqual({ end: null, looks: 6 });
  });

  it('of a copy that clients still find waits for what it had, and tells what came later and is cut', async () => {
    const busy = [working(7), working(7), working(7), working(7, 8), working(8, 9)];
    expect(await drain(busy, { open: true })).toEqual({ end: { cut: 2, note: '2 requests that came in meanwhile are cut' }, looks: 5 });
  });

  it('waits for requests that stood in line when it began, and not for those behind them', async () => {
    const line = (task: number, waiting: number): Requests => ({ working: [task], waiting });
    const looks = [line(1, 2), line(1, 2), line(1, 3), line(1, 4), line(2, 4), line(3, 4), line(4, 4), line(5, 4)];
    expect(await drain(looks, { open: true })).toEqual({ end: { cut: 5, note: '5 requests that came in meanwhile are cut' }, looks: 8 });
  });

  it('tells at its deadline what is cut', async () => {
    const told = async (story: Story, open?: true) => (await drain(story, { deadlineMs: 1000, ...(open && { open }) })).end;
    expect(await told([working(7)])).toEqual({ cut: 1, note: 'deadline passed, 1 request is cut' });
    expect(await told([{ working: [7], waiting: 3 }], true)).toEqual({ cut: 4, note: 'deadline passed, 4 requests are cut' });
    expect(await told([null])).toEqual({ cut: null, note: 'deadline passed; it does not say how many requests it works on' });
  });

  it('waits for idleness where requests carry no number: they cannot be told apart', async () => {
    expect((await drain([working(null)], { open: true, deadlineMs: 1000 })).end).toEqual({
      cut: 1,
      note: 'deadline passed, 1 request is cut',
    });
    expect((await drain([working(null), working()], { open: true })).end).toBeNull();
  });
});

describe('Requests that were admitted', () => {
  it('are not waited for in line any more once nobody stands there', () => {
    const admitted = new Admitted();
    expect(admitted.left({ working: [1], waiting: 2 }, true)).toBe(3);
    expect(admitted.left({ working: [9], waiting: 0 }, false), 'one of the two was too short to be seen').toBe(1);
    expect(admitted.left({ working: [10], waiting: 5 }, false)).toBe(0);
  });
});
