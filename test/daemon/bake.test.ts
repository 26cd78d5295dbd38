import { describe, expect, it } from 'vitest';
import { bakeFor, judgeBake } from '../../src/daemon/bake.ts';
import type { Decision } from '../../src/daemon/pace.ts';
import type { Release } from '../../src/daemon/types.ts';
import type { Bake } from '../../src/domain/holds.ts';
import { desiredOf } from '../world/stack.ts';
import { moved, planOf } from './plans.ts';

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
  const waiting = (...models: readonly string[]) =>
    ({ waiting: models.map((model) => ({ model, why: '', at: 0, times: 1 })) }) as unknown as Decision;
  const crashed = (model: string) =>
    planOf({ chat: 'create' }, [moved(model, { instance: `${model}-${model}-hash`, reason: 'crashed', field: null, detail: 'It ended.' })]);

  it('is bad as soon as one of its models ended by itself', () => {
    expect(judgeBake(bake, crashed('chat'), waiting('chat'), 1000)).toEqual({
      kind: 'bad',
      why: 'chat did not hold for 1 min after its change. It ended.',
    });
  });

  it('does not suffer from the end of the copy before it', () => {
    const before = planOf({ chat: 'create' }, [moved('chat', { instance: 'chat-old', reason: 'crashed', field: null })]);
    expect(judgeBake(bake, before, waiting('chat'), 1000).kind).toBe('none');
  });

  it('does not suffer from a model that it did not change', () => {
    expect(judgeBake(bake, crashed('embed'), waiting('embed'), 1000).kind).toBe('none');
  });

  it('is good when its time is over, and also when the clock says that it has not begun', () => {
    expect(judgeBake(bake, planOf({ chat: 'keep' }), waiting(), 59_999).kind).toBe('none');
    expect(judgeBake(bake, planOf({ chat: 'keep' }), waiting(), 60_000).kind).toBe('good');
    expect(judgeBake(bake, planOf({ chat: 'keep' }), waiting(), -1).kind).toBe('good');
  });
});
