import { describe, expect, it } from 'vitest';
import { PICTURES } from '../../test/daemon/pictures.ts';
import { keep, plan, update, wished } from '../../test/render/plans.ts';
import { desired, instance, inventory, model, NOW, reachable } from '../../test/render/worlds.ts';
import { NO_HOLDS, type Holds } from '../domain/holds.ts';
import { makeStatus } from './index.ts';

/** One model that runs, and of which something else is declared. */
function rowOf(daemon: string | null, { name = 'chat', holds = {} }: { readonly name?: string; readonly holds?: Partial<Holds> } = {}) {
  const { models } = makeStatus({
    desired: desired([model(name), model('embed')]),
    plan: plan({
      changes: [update({ model: name, cause: 'another context', wish: wished(name, { context: 16384 }) }), keep({ model: 'embed' })],
    }),
    observed: [reachable([instance(name), instance('embed')])],
    inventory: inventory([name, 'embed']),
    now: NOW,
    daemon: daemon === null ? null : (PICTURES[daemon] ?? null),
    holds: { ...NO_HOLDS, ...holds },
  });
  const [row, other] = [models.find((one) => one.name === name), models.find((one) => one.name === 'embed')];
  expect([other?.why, other?.fix]).toEqual([null, null]);
  return [row?.why, row?.fix];
}

const MARK = { by: 'alice@lab', at: NOW, why: null };

describe('What to type about a model that is not as declared', () => {
  it.each([
    ['all is well', 'another context', null],
    ['it applies', 'another context', null],
    ['git is away', 'another context', null],
    ['a plan waits for a person', 'another context', 'llmops approve abcdef012345'],
    ['a plan waits for a window', 'another context', 'waits until 2026-03-08T13:00:00.000Z; now: llmops approve abcdef012345'],
    ['the stack is suspended', 'another context; the stack is suspended by alice@lab', 'llmops resume'],
    ['a model is suspended that has crashed', 'another context; it is suspended by alice@lab', 'llmops resume chat'],
    [
      'a release was rolled back',
      'another context; the stack is held at generation 17 by alice@lab',
      'declare something else, or: llmops resume',
    ],
    ['a commit is not signed', 'another context', null],
  ])('when %s', (daemon, why, fix) => {
    expect(rowOf(daemon)).toEqual([why, fix]);
  });

  it('of two managers is to find the other one', () => {
    expect(rowOf('two managers fight', { name: 'desk2' })).toEqual([
      'another context; somebody else changes context back each time',
      'find the other one, then: llmops reconcile',
    ]);
  });

  it('while a run is on is nothing', () => {
    const { models } = makeStatus({
      desired: desired([model('chat')]),
      plan: plan({ changes: [update({ model: 'chat', cause: 'another context' })] }),
      observed: [reachable([instance('chat')])],
      inventory: inventory(['chat']),
      now: NOW,
      holder: 'pid 1 (llmops apply)',
    });
    expect(models[0]).toMatchObject({ why: 'another context', fix: null });
  });

  it('without a daemon is an apply, unless the next one would be held from it', () => {
    expect(rowOf(null)).toEqual(['another context', 'llmops apply']);
    expect(rowOf(null, { holds: { suspended: { chat: { ...MARK, until: null } } } })[1]).toBe('llmops resume chat');
    expect(rowOf(null, { holds: { suspended: { embed: { ...MARK, until: null } } } })[1]).toBe('llmops apply');
    expect(rowOf(null, { holds: { pin: { ...MARK, generation: 4 } } })[1]).toBe('declare something else, or: llmops resume');
  });
});
