import { describe, expect, it } from 'vitest';
import { Pace, RETRIES, type Decision } from '../../src/daemon/pace.ts';
import type { Known } from '../../src/stack/crash-watch.ts';
import { appliedOf, moved, NOTHING_APPLIED, planOf } from './plans.ts';

const at = (ms: number) => ({ ms, iso: new Date(ms).toISOString() });
const NONE = new Set<string>();
const wish = planOf({ chat: 'create' });

describe('What is wanted', () => {
  it('is due at once, and whole if nothing of it waits', () => {
    const { due, whole, trigger } = new Pace().look(planOf({ chat: 'create', embed: 'keep' }), at(0), NOTHING_APPLIED, NONE);
    expect({ due, whole, trigger }).toEqual({ due: ['chat'], whole: true, trigger: 'release' });
  });

  it('is tried again after growing pauses, up to five minutes', () => {
    const pace = new Pace();
    const pauses: number[] = [];
    let now = 0;
    for (let n = 0; n < 10; n += 1) {
      expect(pace.look(wish, at(now), NOTHING_APPLIED, NONE).due).toEqual(['chat']);
      pace.acted(['chat'], wish, at(now));
      const { due, waiting, left } = pace.look(wish, at(now), NOTHING_APPLIED, NONE);
      expect([due, [...left]]).toEqual([[], ['chat']]);
      pauses.push((waiting[0]?.at ?? 0) - now);
      now = waiting[0]?.at ?? 0;
    }
    expect(pauses.slice(0, 4)).toEqual([2000, 4000, 8000, 16_000]);
    expect(Math.max(...pauses)).toBe(RETRIES.capMs);
  });

  it('begins anew with its pauses after a minute in which all was well, and not after less', () => {
    const pauseAfter = (wellMs: number): number => {
      const pace = new Pace();
      for (const ms of [0, 2000, 6000]) pace.acted(['chat'], wish, at(ms));
      for (const ms of [7000, 7000 + wellMs]) pace.look(planOf({ chat: 'keep' }), at(ms), NOTHING_APPLIED, NONE);
      pace.look(wish, at(100_000), NOTHING_APPLIED, NONE);
      pace.acted(['chat'], wish, at(100_000));
      return (pace.look(wish, at(100_000), NOTHING_APPLIED, NONE).waiting[0]?.at ?? 0) - 100_000;
    };
    expect([pauseAfter(60_000), pauseAfter(30_000)]).toEqual([2000, 16_000]);
  });

  it('is tried at once where it is something else than before, or where a person says so', () => {
    const pace = new Pace();
    pace.acted(['chat'], wish, at(0));
    expect(pace.look(planOf({ chat: 'delete' }), at(1), NOTHING_APPLIED, NONE).due).toEqual(['chat']);
    expect(pace.look(wish, at(1), NOTHING_APPLIED, NONE).due).toEqual([]);
    pace.forget();
    expect(pace.look(wish, at(1), NOTHING_APPLIED, NONE).due).toEqual(['chat']);
  });

  it('waits while somebody else changes the stack', () => {
    const { due, left } = new Pace().look(wish, at(0), { ...NOTHING_APPLIED, busy: true }, NONE);
    expect([due, [...left]]).toEqual([[], ['chat']]);
  });

  it('is not whole where a model is suspended, whether or not anything of it is wanted', () => {
    const plan = planOf({ chat: 'create', embed: 'keep' });
    expect(new Pace().look(plan, at(0), NOTHING_APPLIED, new Set(['embed']))).toMatchObject({ due: ['chat'], whole: false });
    expect(new Pace().look(plan, at(0), NOTHING_APPLIED, new Set(['chat']))).toMatchObject({ due: [], whole: false });
  });

  it('is left where it is blocked', () => {
    expect([...new Pace().look(planOf({ chat: 'blocked' }), at(0), NOTHING_APPLIED, NONE).left]).toEqual(['chat']);
  });
});

describe('What crashed', () => {
  const crashed = planOf({ chat: 'create' }, [moved('chat', { reason: 'crashed', field: null })]);

  it('is no change that somebody wants: it waits for its pause, and is started for the crash', () => {
    const pace = new Pace();
    const first = pace.look(crashed, at(0), appliedOf('chat'), NONE);
    expect([first.due, first.waiting.map(({ at: when }) => when)]).toEqual([[], [250]]);
    expect(pace.look(crashed, at(250), appliedOf('chat'), NONE)).toMatchObject({ due: ['chat'], restarts: ['chat'], trigger: 'crash' });
  });

  it('is not started while it is suspended', () => {
    const pace = new Pace();
    pace.look(crashed, at(0), appliedOf('chat'), NONE);
    expect(pace.look(crashed, at(9000), appliedOf('chat'), new Set(['chat'])).due).toEqual([]);
  });
});

describe('A second manager', () => {
  const fight = planOf({ chat: { action: 'update', correctsDrift: true } }, [moved('chat')]);
  const lookAt = (pace: Pace, ms: number): Decision => pace.look(fight, at(ms), appliedOf('chat'), NONE);
  /** Puts it right as often, a minute apart. */
  const fought = (times: number): Pace => {
    const pace = new Pace();
    for (let n = 0; n < times; n += 1) {
      expect(lookAt(pace, n * 60_000)).toMatchObject({ due: ['chat'], trigger: 'drift' });
      pace.acted(['chat'], fight, at(n * 60_000));
      pace.look(planOf({ chat: 'keep' }), at(n * 60_000 + 1), appliedOf('chat'), NONE);
    }
    return pace;
  };

  it('has its way after its setting was put right three times within an hour, and that is told with all of them', () => {
    const pace = fought(3);
    const { due, left, events } = lookAt(pace, 200_000);
    expect([due, [...left]]).toEqual([[], ['chat']]);
    const held = events.find(({ type }) => type === 'held');
    expect(held).toMatchObject({ model: 'chat', field: 'context' });
    expect(held?.type === 'held' && held.flips.map(({ at: when }) => when)).toEqual([0, 60_000, 120_000].map((ms) => at(ms).iso));
    expect(lookAt(pace, 210_000).events.filter(({ type }) => type === 'held')).toEqual([]);
  });

  it('is met again after an hour, or when a person says so', () => {
    expect(lookAt(fought(3), 3_600_000).due).toEqual(['chat']);
    const pace = fought(3);
    pace.forget();
    expect(lookAt(pace, 200_000).due).toEqual(['chat']);
  });

  it('is not a model that crashes', () => {
    const pace = new Pace();
    const crash = planOf({ chat: 'create' }, [moved('chat', { reason: 'crashed', field: null })]);
    for (let n = 0; n < 5; n += 1) pace.acted(['chat'], crash, at(n));
    expect([...pace.look(crash, at(10), appliedOf('chat'), NONE).left]).toEqual([]);
  });
});

describe('What somebody else applies, again and again', () => {
  const kept = planOf({ chat: 'keep' });
  const undone = planOf({ chat: 'update' });
  const other: Known = { ...appliedOf('chat'), applied: new Map([['chat', 'other-hash']]) };

  it('is drift, and held after three corrections, with what was seen', () => {
    const pace = new Pace();
    for (let ms = 0; ms < 300_000; ms += 100_000) {
      pace.look(kept, at(ms), appliedOf('chat'), NONE);
      const { due, trigger, events } = pace.look(undone, at(ms + 90_000), other, NONE);
      expect([due, trigger]).toEqual([['chat'], 'drift']);
      expect(events).toContainEqual(expect.objectContaining({ type: 'drift' }));
      pace.acted(['chat'], undone, at(ms + 90_000));
    }
    pace.look(kept, at(400_000), appliedOf('chat'), NONE);
    const { due, events } = pace.look(undone, at(500_000), other, NONE);
    expect(due).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'held', model: 'chat' }));
  });

  it('is no drift where something else is declared by now', () => {
    const pace = new Pace();
    pace.look(kept, at(0), appliedOf('chat'), NONE);
    pace.forget();
    expect(pace.look(undone, at(1000), other, NONE).trigger).toBe('release');
  });
});
