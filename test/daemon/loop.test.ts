import { describe, expect, it } from 'vitest';
import { Loop } from '../../src/daemon/loop.ts';
import type { Hands, Telling } from '../../src/daemon/types.ts';
import { NO_HOLDS, suspend, type Holds } from '../../src/domain/holds.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { NO_POLICY } from '../../src/domain/policy.ts';
import type { Session } from '../../src/stack/session.ts';
import type { Source } from '../../src/source/types.ts';
import { sha256 } from '../../src/stack/sha256.ts';
import { appliedOf, moved, planOf } from './plans.ts';

const CRASHED = planOf({ chat: 'create' }, [moved('chat', { reason: 'crashed', field: null })]);
const signal = new AbortController().signal;

const AWAY = { kind: 'unavailable', problem: { severity: 'error', code: 'x', summary: 'Away.' } } as const;

interface Parts {
  readonly look: Source['look'];
  readonly processes: readonly { readonly pid: number; readonly model: string }[];
  readonly isGone: (pid: number) => boolean;
}

/** A loop of which only what is in force is known, and in which the test has the clock. `plan`: what a look finds. */
function loopOf(plan: Plan, { processes = [], isGone = () => false, look = async () => AWAY }: Partial<Parts> = {}) {
  const begun = Promise.withResolvers<AbortSignal>();
  const state = { ms: 0, holds: NO_HOLDS as Holds, acts: 0, looks: [] as boolean[], duringLook: () => undefined as void };
  const events: Telling[] = [];
  const hands = {
    inForce: async () => ({ desired: { models: [] } }) as unknown as Session,
    look: async (_session, { holdFailed }) => {
      state.duringLook();
      state.looks.push(holdFailed);
      return { plan, known: appliedOf('chat'), processes };
    },
    act: async (_task, stop) => {
      state.acts += 1;
      begun.resolve(stop);
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
      return { kind: 'nothing', plan };
    },
    readHolds: async () => state.holds,
    changeHolds: async (change) => (state.holds = change(state.holds)),
  } as Partial<Hands> as Hands;
  const source = { shown: 'main', look, watch: async () => ({ close: async () => undefined }) };
  const clock = { wallMs: () => 0, monotonicMs: () => state.ms, sleep: () => new Promise<void>((next) => void setImmediate(next)) };
  const tell = (event: Telling) => void events.push(event);
  const parts = {
    source,
    hands,
    clock,
    tell,
    probeMs: () => 10_000,
    policy: () => ({ ...NO_POLICY, approve: 'destructive' as const }),
    isGone,
    onBake: () => undefined,
    boot: null,
    hash: sha256,
  };
  return { loop: new Loop(parts, NO_HOLDS), state, events, begun: begun.promise };
}

describe('A model that is started anew', () => {
  it('goes on being started when a person only says to look', async () => {
    const { loop, state, begun } = loopOf(CRASHED);
    await loop.round(signal);
    state.ms = 1000;
    void loop.round(signal);
    const stop = await begun;
    await loop.nudge(signal);
    expect(stop.aborted).toBe(false);
    state.holds = suspend(NO_HOLDS, [], { by: 'alice', at: '', why: null, until: null });
    await loop.nudge(signal);
    expect(stop.aborted).toBe(true);
  });

  it('is not, if somebody suspended the stack while it was looked at', async () => {
    const { loop, state } = loopOf(CRASHED);
    await loop.round(signal);
    state.ms = 1000;
    state.duringLook = () => ((state.holds = suspend(NO_HOLDS, [], { by: 'alice', at: '', why: null, until: null })), undefined);
    expect([await loop.round(signal), state.acts]).toEqual([0, 0]);
  });

  it('is waited for without a look at every moment while it is suspended', async () => {
    const { loop, state } = loopOf(CRASHED);
    state.holds = suspend(NO_HOLDS, ['chat'], { by: 'alice', at: '', why: null, until: null });
    await loop.round(signal);
    state.ms = 60_000;
    expect(await loop.round(signal)).toBe(10_000);
  });
});

describe('What goes wrong on the way to the target', () => {
  const pinned: Holds = { ...NO_HOLDS, pin: { by: 'alice', at: '', why: null, generation: 18 } };

  it('is told, and what crashes is started anew all the same', async () => {
    const { loop, state, begun, events } = loopOf(CRASHED);
    state.holds = pinned; // and of that generation nothing is known
    await loop.round(signal);
    expect(events.map(({ type }) => type)).toEqual(['plan.refused', 'model.crashed']);
    state.ms = 1000;
    void loop.round(signal);
    await begun;
    expect(state.acts).toBe(1);
  });

  it('is tried again soon', async () => {
    const { loop, state } = loopOf(planOf({ chat: 'keep' }));
    state.holds = pinned;
    expect(await loop.round(signal)).toBe(5000);
  });
});

it('A start that gave way for the crash of another model was not in vain: it is tried again at once', async () => {
  const gone = new Set<number>();
  const { loop, state, begun } = loopOf(CRASHED, { processes: [{ pid: 7, model: 'embed' }], isGone: (pid) => gone.has(pid) });
  await loop.round(signal);
  state.ms = 1000;
  const round = loop.round(signal);
  const stop = await begun;
  gone.add(7);
  await new Promise((next) => stop.addEventListener('abort', next, { once: true }));
  expect(await round).toBe(0);
  void loop.round(signal);
  while (state.acts < 2) await new Promise((next) => setImmediate(next));
});

it('Who hears that a plan waits finds it waiting', async () => {
  const { loop, events } = loopOf(planOf({ chat: 'delete' }));
  const release = { id: 'r1', session: { desired: { models: [] } }, commit: null, about: null, files: [] };
  Object.defineProperty(loop.follower, 'release', { get: () => release });
  let found: string | null = null;
  events.push = (event) => {
    if (event.type === 'plan.parked') found = loop.standing.parked?.key ?? null;
    return 0;
  };
  await loop.round(signal);
  expect(found).toMatch(/^[0-9a-f]{12}$/);
});

it('A source that does not answer keeps nobody from being looked after', async () => {
  const { loop, state } = loopOf(planOf({ chat: 'keep' }), { look: () => new Promise(() => undefined) });
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  while (state.looks.length === 0) await new Promise((next) => setImmediate(next));
  stop.abort();
  await running;
});

it('A start that failed is tried once more when a person says to look, and not by itself', async () => {
  const { loop, state } = loopOf(planOf({ chat: 'keep' }));
  const release = { id: 'r1', session: { desired: { models: [] } }, commit: null, about: null, files: [] };
  Object.defineProperty(loop.follower, 'release', { get: () => release });
  await loop.round(signal);
  await loop.nudge(signal);
  await loop.round(signal);
  await loop.round(signal);
  expect(state.looks).toEqual([true, false, true]);
});

it('A round that began before somebody went back does not say that it is there', async () => {
  const { loop, state } = loopOf(planOf({ chat: 'keep' }));
  state.duringLook = () => {
    state.holds = { ...NO_HOLDS, pin: { by: 'alice', at: '', why: null, generation: 1 } };
    state.duringLook = () => undefined;
  };
  const round = loop.round(signal);
  while (state.holds === NO_HOLDS) await new Promise((next) => setImmediate(next));
  await loop.reconsider();
  await round;
  expect([loop.standing.target, loop.standing.phase]).toEqual([{ kind: 'generation', number: 1 }, 'looking']);
});

it('Who says to look need not wait for the pause of a crash', async () => {
  const { loop, state, begun } = loopOf(CRASHED);
  await loop.round(signal);
  expect(await loop.round(signal)).toBe(250);
  await loop.nudge(signal);
  void loop.round(signal);
  await begun;
  expect(state.acts).toBe(1);
});

it('What was found before is told while it looks', async () => {
  const { loop, state } = loopOf(planOf({ chat: 'blocked' }));
  await loop.round(signal);
  let during: readonly string[] = [];
  state.duringLook = () => void (during = loop.standing.left);
  await loop.round(signal);
  expect(during).toEqual(['chat']);
});
