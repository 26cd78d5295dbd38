import { describe, expect, it } from 'vitest';
import { Baking } from '../../src/daemon/baking.ts';
import { bakeFor, judgeBake, withOlder } from '../../src/daemon/bake.ts';
import type { Decision } from '../../src/daemon/pace.ts';
import type { Release } from '../../src/daemon/types.ts';
import { NO_HOLDS, watchedAt, type Bake, type Holds } from '../../src/domain/holds.ts';
import { desiredOf } from '../world/stack.ts';
import { moved, planOf } from './plans.ts';

const AT = '2026-01-01T00:00:00.000Z';
const rollout = (bakeMs: number) => ({ rollout: { strategy: 'auto', holdMs: 0, drainMs: 0, bakeMs } }) as const;
const desired = desiredOf({ models: { chat: rollout(60_000), embed: rollout(5000), rest: rollout(0) } }, 'sim:');
const release = { id: 'r1', commit: null, about: null, files: [], session: { desired } } as unknown as Release;

describe('A release is watched', () => {
  it('for as long as the slowest of the models says that it changes', () => {
    expect(bakeFor(release, planOf({ chat: 'update', embed: 'create', rest: 'keep' }), [], 7)).toEqual({
      release: 'r1',
      commit: null,
      previous: 7,
      models: { chat: 'chat-hash', embed: 'embed-hash' },
      since: null,
      ms: 60_000,
      unwatched: false,
      boot: null,
    });
    expect(bakeFor(release, planOf({ chat: 'update', embed: 'create' }), ['embed'], 7)).toMatchObject({
      models: { embed: 'embed-hash' },
      ms: 5000,
    });
  });

  it.each([
    ['puts right only what had moved', planOf({ chat: { action: 'update', correctsDrift: true } })],
    ['only deletes', planOf({ chat: 'delete' })],
    ['changes models alone that ask for no watching', planOf({ rest: 'update' })],
  ])('not where it %s', (_why, plan) => {
    expect(bakeFor(release, plan, [], 7)).toBeNull();
  });
});

describe('What is watched', () => {
  const bake: Bake = {
    release: 'r1',
    commit: null,
    previous: 7,
    models: { chat: 'chat-hash' },
    since: '2026-01-01T00:00:00Z',
    ms: 60_000,
    unwatched: false,
    boot: null,
  };
  const at = (servedMs: number) => ({ servedMs, wallMs: Date.parse('2026-01-01T00:00:00Z') + servedMs });
  const waiting = (...models: readonly string[]) =>
    ({ waiting: models.map((model) => ({ model, why: '', at: 0, times: 1 })) }) as unknown as Decision;
  const crashed = (model: string) =>
    planOf({ chat: 'create' }, [moved(model, { instance: `${model}-${model}-hash`, reason: 'crashed', field: null, detail: 'It ended.' })]);

  it('is bad as soon as one of its models ended by itself', () => {
    expect(judgeBake(bake, crashed('chat'), waiting('chat'), at(1000))).toEqual({
      kind: 'bad',
      why: 'chat did not hold for 1 min after its change. It ended.',
    });
  });

  it('does not suffer from the end of the copy before it', () => {
    const before = planOf({ chat: 'create' }, [moved('chat', { instance: 'chat-old', reason: 'crashed', field: null })]);
    expect(judgeBake(bake, before, waiting('chat'), at(1000)).kind).toBe('none');
  });

  it('does not suffer from a model that it did not change', () => {
    expect(judgeBake(bake, crashed('embed'), waiting('embed'), at(1000)).kind).toBe('none');
  });

  it('is good when its time is over, and also when the clock says that it has not begun', () => {
    expect(judgeBake(bake, planOf({ chat: 'keep' }), waiting(), at(59_999)).kind).toBe('none');
    expect(judgeBake(bake, planOf({ chat: 'keep' }), waiting(), at(60_000)).kind).toBe('good');
    expect(judgeBake(bake, planOf({ chat: 'keep' }), waiting(), at(-1)).kind).toBe('good');
  });

  describe('while the next release comes', () => {
    const next: Bake = { ...bake, release: 'r2', previous: 8, models: { embed: 'embed-hash' }, since: null };
    const by = { id: 'r2', commit: null, wallMs: Date.parse(bake.since ?? '') + 20_000 };
    const both = withOlder(next, bake, by);
    const chat = { release: 'r1', commit: null, model: 'chat', runsAs: 'chat-hash', since: bake.since, ms: 60_000 };

    it('is watched on, and the way back is to what was before both', () => {
      expect(both).toEqual({ ...next, previous: 7, thenPrevious: 8, older: [chat] });
      expect(judgeBake(both as Bake, crashed('chat'), waiting('chat'), at(40_000)).kind).toBe('bad');
    });

    it('is no longer once its own time is over, or the next release changed it as well', () => {
      expect(withOlder(next, bake, { ...by, wallMs: by.wallMs + 60_000 })).toEqual(next);
      const same = { ...next, models: { chat: 'chat-new' } };
      expect(withOlder(same, bake, by)).toEqual(same);
      expect(judgeBake({ ...(both as Bake), models: {} }, crashed('chat'), waiting('chat'), at(60_000)).kind).toBe('good');
    });

    it('is watched also if the next release changes nothing that is to be, or never came to serve', () => {
      const still = withOlder(null, bake, by);
      expect(still).toMatchObject({ release: 'r2', previous: 7, models: {}, older: [chat] });
      expect(withOlder(next, { ...(both as Bake), since: null }, by)).toEqual({ ...next, previous: 7, thenPrevious: 8, older: [chat] });
    });

    it('has held once its time is over: from then on the way back of the next one is to it', () => {
      const late = by.wallMs + 60_000;
      expect(watchedAt(both as Bake, by.wallMs)).toEqual({ older: [chat], previous: 7 });
      expect(watchedAt(both as Bake, late)).toEqual({ older: [], previous: 8 });
      const third = { ...next, release: 'r3', previous: 9, models: { rest: 'rest-hash' } };
      expect(
        withOlder(third, { ...(both as Bake), since: new Date(late - 1000).toISOString() }, { ...by, id: 'r3', wallMs: late }),
      ).toMatchObject({
        previous: 8,
        older: [{ model: 'embed' }],
      });
    });
  });
});

describe('Who watches', () => {
  const crash = planOf({ chat: 'create' }, [
    moved('chat', { instance: 'chat-chat-hash', reason: 'crashed', field: null, detail: 'It ended.' }),
  ]);
  const decision = { waiting: [{ model: 'chat', why: '', at: 0, times: 1 }] } as unknown as Decision;

  /** Judges a crash of what was watched in a run of the machine, or by somebody who was told to end. */
  async function judged(more: Partial<Bake>, there = { isThere: true, lastGood: 7 as number | null }): Promise<readonly [boolean, Holds]> {
    const bake: Bake = {
      release: 'r1',
      commit: null,
      previous: 7,
      models: { chat: 'chat-hash' },
      since: AT,
      ms: 60_000,
      unwatched: false,
      boot: 'now',
    };
    let holds: Holds = { ...NO_HOLDS, bake: { ...bake, ...more } };
    const baking = new Baking({
      hands: {
        lastGood: async () => there.lastGood,
        isThere: async () => there.isThere,
        changeHolds: async (change) => (holds = change(holds)),
      },
      clock: { wallMs: () => Date.parse(AT), monotonicMs: () => 0, sleep: async () => undefined },
      tell: () => undefined,
      boot: 'now',
      onBake: () => undefined,
    });
    return [await baking.judge(crash, decision, holds), holds];
  }

  it('goes back for a copy that ended', async () => {
    const [isBad, holds] = await judged({});
    expect([isBad, holds.pin?.generation, holds.quarantined.map((one) => one.release)]).toEqual([true, 7, ['r1']]);
  });

  it('goes back to another one where that cannot be had any more, and nowhere where there is none', async () => {
    const [isBad, holds] = await judged({}, { isThere: false, lastGood: 5 });
    expect([isBad, holds.pin?.generation]).toEqual([true, 5]);
    const [isLost, free] = await judged({}, { isThere: false, lastGood: null });
    expect([isLost, free.pin, free.bake]).toEqual([false, null, null]);
  });

  it.each([{ boot: 'before' }, { unwatched: true }])(
    'but not for one that ended with the machine, or while nobody watched: %j',
    async (more) => {
      const [isBad, holds] = await judged(more);
      expect([isBad, holds.pin, holds.bake?.boot, holds.bake?.unwatched]).toEqual([false, null, 'now', false]);
    },
  );
});
