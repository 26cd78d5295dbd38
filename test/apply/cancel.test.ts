import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/domain/event.ts';
import type { Inventory } from '../../src/domain/observed.ts';
import { scenarios, type Scenario } from '../crash/scenarios.ts';
import { Superseded } from '../../src/domain/superseded.ts';
import { memoryDisk } from '../world/memory-disk.ts';
import { bench, type Bench } from './helpers.ts';
import { fact, play, statuses, step, copy, type Act } from './scripted.ts';

/** Models whose clients are sent to a copy that serves. */
function served({ world }: Bench, { endpoints }: Inventory): ReadonlySet<string> {
  const copies = ['local', 'far'].flatMap((realm) => [...world.realm(realm).instances.values()]);
  return new Set(
    Object.entries(endpoints).flatMap(([model, { instance }]) =>
      copies.some(({ id, phase }) => id === instance && phase === 'serving') ? [model] : [],
    ),
  );
}

/** Plays a scenario and tells the run to stop at its k-th event. False: there was none. */
async function stopAt(k: number, { before, disturb, wish }: Scenario): Promise<boolean> {
  const table = await bench({}, memoryDisk());
  if (before !== null) await table.converge(before);
  disturb?.(table.world.realm('local'));
  const had = served(table, (await table.state.read()).inventory);
  const stop = new AbortController();
  let events = 0;
  const emit = (_event: Event): void => {
    events += 1;
    if (events === k) stop.abort();
  };
  const { steps } = await table.converge(wish, { signal: stop.signal, emit });
  const { inventory } = await table.state.read();
  const has = served(table, inventory);
  const ending = wish.mode === 'down' || wish.mode === 'destroy';
  const told = steps.map(({ step: id, status, because }) => `${id} ${status} ${because ?? ''}`).join('\n');
  for (const model of had) {
    const wanted = !ending && model in wish.models;
    const runs = ['local', 'far'].some((realm) =>
      [...table.world.realm(realm).instances.values()].some(({ spec }) => spec.model === model),
    );
    expect(has.has(model) || (!wanted && !runs), `${model}, stopped at event ${k}:\n${told}`).toBe(true);
  }
  expect(inventory.pending).toEqual([]);
  if (ending) return events >= k;
  await table.converge(wish);
  const after = served(table, (await table.state.read()).inventory);
  expect([...had].filter((model) => model in wish.models && !after.has(model))).toEqual([]);
  return events >= k;
}

describe('A run that is told to stop, at whichever moment, leaves no model without clients:', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    for (let k = 1; await stopAt(k, scenario); k += 1);
  });
});

/** Old before new, as a plan has it. */
const SWAP = [
  step('chat.withdraw', [], { instance: 'chat-0' }),
  step('chat.drain', ['chat.withdraw'], { instance: 'chat-0' }),
  step('chat.stop', ['chat.drain'], { instance: 'chat-0', leaves: [fact('chat-0', 'absent')] }),
  step('chat.start', ['chat.stop']),
  step('chat.probe', ['chat.start']),
  step('chat.publish', ['chat.probe']),
  step('chat.record', ['chat.publish']),
];
const OLD = copy('chat-0');

/** Tells the run to stop while a step acts. A drain waits for that, and then for nothing. */
async function stoppedIn(id: string, acts: Readonly<Record<string, Act>> = {}, steps = SWAP) {
  const stop = new AbortController();
  const act: Act = async (_step, { signal }) => {
    stop.abort();
    signal.throwIfAborted();
  };
  return play(steps, { acts: { [id]: act, ...acts }, there: [OLD], options: { signal: stop.signal } });
}

describe('A swap that is told to stop', () => {
  it('while its old copy is drained sends clients back to it, journaled, and ends nothing', async () => {
    const { result, log } = await stoppedIn('chat.drain');
    expect(log.slice(-5)).toEqual([
      'begin chat.drain.hand-back',
      'publish chat http://127.0.0.1:1',
      'end chat.drain.hand-back done',
      'end chat.drain cancelled',
      'finish cancelled',
    ]);
    expect(result.steps[1]).toMatchObject({
      status: 'cancelled',
      because: 'the run was told to stop; its clients are sent to chat-0 again',
      restored: { instance: 'chat-0' },
    });
    expect(Object.values(statuses(result))).toEqual(['done', ...Array.from({ length: 6 }, () => 'cancelled')]);
  });

  it.each(['chat.stop', 'chat.start', 'chat.probe'])('in %s is brought to its end', async (id) => {
    const { result } = await stoppedIn(id);
    expect(new Set(Object.values(statuses(result)))).toEqual(new Set(['done']));
  });

  it('puts its old copy back if what the new one waits for is not to come', async () => {
    const spec = { ...(step('chat.start') as Extract<(typeof SWAP)[number], { op: 'start' }>).spec, id: 'chat-0' };
    const restore = { spec, deadlineMs: 1000 };
    const [start, ...rest] = SWAP.slice(3);
    const steps = [
      ...SWAP.slice(0, 3),
      step('embed.drain', [], { instance: 'embed-0' }),
      step('embed.stop', ['embed.drain'], { instance: 'embed-0' }),
      { ...start, after: ['chat.stop', 'embed.stop'], restore } as (typeof SWAP)[number],
      ...rest,
    ];
    const waits: Act = (_step, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended')), { once: true }));
    const { result, log } = await stoppedIn('chat.stop', { 'embed.drain': waits }, steps);
    expect(statuses(result)).toMatchObject({ 'chat.stop': 'done', 'embed.drain': 'cancelled', 'chat.start': 'cancelled' });
    expect(result.steps.find(({ op }) => op === 'start')).toMatchObject({ restored: { instance: 'chat-0' } });
    expect(log).toContain('publish chat http://127.0.0.1:1');
  });
});

describe('An old copy that could not be ended and goes on serving', () => {
  it.each(['chat.drain', 'chat.stop'])('gets its clients back: %s', async (id) => {
    const fails: Act = () => Promise.reject(new Error('It would not.'));
    const { result, log } = await play(SWAP, { acts: { [id]: fails }, there: [OLD] });
    expect(log).toContain('publish chat http://127.0.0.1:1');
    expect(result.steps.find(({ step: one }) => one === id)).toMatchObject({ status: 'failed', restored: { instance: 'chat-0' } });
  });
});

describe('A swap that something newer supersedes', () => {
  const superseded = async (id: string) => {
    const stop = new AbortController();
    const waits: Act = (_step, { signal }) => {
      queueMicrotask(() => stop.abort(new Superseded('main@7c1e2aa')));
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    };
    return play(SWAP, { acts: { [id]: waits }, there: [OLD], options: { signal: stop.signal } });
  };

  it('does not wait until the new copy is ready, and puts nothing back: the next run begins at once', async () => {
    const { result, log } = await superseded('chat.probe');
    expect(statuses(result)).toMatchObject({ 'chat.start': 'done', 'chat.probe': 'cancelled', 'chat.publish': 'cancelled' });
    expect(log.filter((line) => line.includes('undo') || line.includes('put-back'))).toEqual([]);
    expect(log.at(-1)).toBe('finish cancelled');
  });

  it('does not wait either until what it put back is ready', async () => {
    const stop = new AbortController();
    const spec = { ...(step('chat.start') as Extract<(typeof SWAP)[number], { op: 'start' }>).spec, id: 'chat-0' };
    const steps = SWAP.map((one) =>
      one.id === 'chat.start' ? step(one.id, one.after, { restore: { spec, deadlineMs: 60_000 } } as object) : one,
    );
    const waits: Act = (_step, { signal }) => {
      stop.abort(new Superseded('main@7c1e2aa'));
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    };
    const acts = { 'chat.start': () => Promise.reject(new Error('It would not.')), 'chat.start.restore-probe': waits };
    const { result, log } = await play(steps, { acts, there: [OLD], options: { signal: stop.signal } });
    const start = result.steps.find(({ op }) => op === 'start');
    expect(start?.problem?.summary).toContain('something newer is to be applied');
    expect(log).toContain('act chat.start.restore-start');
    expect(log.at(-1)).toMatch(/^finish/);
  });

  it('while its old copy is drained sends clients back to it', async () => {
    const { result } = await superseded('chat.drain');
    expect(result.steps[1]).toMatchObject({ status: 'cancelled', restored: { instance: 'chat-0' } });
  });

  it.each(['chat.stop', 'chat.start'])('finishes what changes the world, and begins nothing after it: %s', async (id) => {
    const stop = new AbortController();
    const act: Act = async () => stop.abort(new Superseded('main@7c1e2aa'));
    const { result } = await play(SWAP, { acts: { [id]: act }, there: [OLD], options: { signal: stop.signal } });
    const [mine, ...after] = SWAP.slice(SWAP.findIndex((one) => one.id === id)).map((one) => statuses(result)[one.id]);
    expect(mine).toBe('done');
    expect(new Set(after)).toEqual(new Set(['cancelled']));
  });
});
