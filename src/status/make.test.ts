import { describe, expect, test } from 'vitest';
import { blocked, keep, plan, update, wished } from '../../test/render/plans.ts';
import { mixedStatus } from '../../test/render/status-story.ts';
import { desired, instance, inventory, model, NOW, reachable, unreachable } from '../../test/render/worlds.ts';
import type { ObservedInstance } from '../domain/observed.ts';
import { makeStatus } from './index.ts';

const stateOf = (name: string) => mixedStatus().models.find((one) => one.name === name);

describe('the state of a model', () => {
  test.each([
    ['chat', 'ready', null],
    ['code', 'outdated', 'llmops.yaml:15 asks for another context'],
    ['crashed', 'failed', 'It ended with exit code 137: out of memory'],
    ['embed', 'drifted', 'The engine was told 8192 and runs with 2048.'],
    ['fresh', 'absent', 'no instance of it runs'],
    ['gone', 'removed', 'it is not declared any more'],
    ['vision', 'unknown', 'The backend "spare" does not answer'],
  ])('%s is %s', (name, state, why) => {
    expect(stateOf(name)).toMatchObject({ state, why });
  });

  test('is blocked where the plan cannot act', () => {
    const status = statusOf([instance('chat')], { changes: [blocked({ model: 'chat', backend: 'local' })] });
    expect(status.models[0]?.state).toBe('blocked');
    expect(status.models[0]?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Blocked', status: 'True', reason: 'BackendUnreachable' }),
    );
  });

  test('is starting while it loads, and unknown while it does not answer', () => {
    expect(statusOf([instance('chat', { phase: 'starting' })]).models[0]?.state).toBe('starting');
    expect(statusOf([instance('chat', { phase: 'unknown' })]).models[0]?.state).toBe('unknown');
  });
});

describe('the three columns', () => {
  test('stay apart: wanted, told, in force', () => {
    const settings = stateOf('embed')?.settings.find((one) => one.field === 'context');
    expect(settings).toEqual({ field: 'context', desired: 8192, configured: 8192, loaded: 2048 });
  });

  test('leave out what nobody can say', () => {
    expect(stateOf('fresh')?.settings.find((one) => one.field === 'context')).toEqual({ field: 'context', desired: 8192 });
    expect(stateOf('gone')?.settings.find((one) => one.field === 'context')).toEqual({ field: 'context', configured: 8192, loaded: 8192 });
  });

  test('show what the plan wishes, not what was applied before', () => {
    const status = statusOf([instance('chat')], {
      changes: [update({ wish: wished('chat', { digest: 'b' }) })],
    });
    expect(status.models[0]?.settings.find((one) => one.field === 'digest')?.desired).toBe('b');
  });
});

test('the instance that clients are sent to stands for the model, and the others are named', () => {
  const old = instance('chat', { id: 'chat-old', phase: 'serving' });
  const status = statusOf([old, instance('chat')]);
  expect(status.models[0]).toMatchObject({ instance: 'chat-0123456789ab', published: true, copies: ['chat-old'] });
});

test('foreign instances are told apart and belong to no model', () => {
  const foreign = [{ backend: 'local', id: 'theirs', model: 'chat', endpoint: null }];
  const status = statusOf([instance('chat'), instance('chat', { id: 'theirs', owner: 'foreign' })], { foreign });
  expect(status.models[0]?.copies).toEqual([]);
  expect(status.foreign.map((one) => one.id)).toEqual(['theirs']);
});

test('a model that is not acted on is left alone and said to be', () => {
  const wish = { ...desired([]), inertModels: ['chat'] };
  const status = makeStatus({
    desired: wish,
    plan: null,
    observed: [reachable([instance('chat')])],
    inventory: inventory(['chat']),
    now: NOW,
  });
  expect(status.models[0]?.state).not.toBe('removed');
});

test('without a readable file the picture still tells what runs', () => {
  const status = makeStatus({
    desired: null,
    plan: null,
    observed: [reachable([instance('chat')]), unreachable('spare')],
    inventory: inventory(['chat']),
    now: NOW,
  });
  expect(status).toMatchObject({ revision: null, summary: { declared: 0, ready: 0 } });
  expect(status.models[0]).toMatchObject({ name: 'chat', state: 'ready' });
  expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Synced', status: 'Unknown' }));
});

test('a plan of some models limits the picture to them', () => {
  const status = makeStatus({
    desired: desired([model('chat'), model('embed')]),
    plan: plan({ targets: ['embed'], changes: [keep({ model: 'embed' })] }),
    observed: [reachable([instance('chat'), instance('embed')])],
    inventory: inventory(['chat', 'embed']),
    now: NOW,
  });
  expect(status.models.map((one) => one.name)).toEqual(['embed']);
});

test('the stack is ready and in step only if every model is', () => {
  const fine = statusOf([instance('chat')]);
  expect(fine.conditions.map(({ type, status }) => [type, status])).toEqual([
    ['Ready', 'True'],
    ['Synced', 'True'],
  ]);
  expect(mixedStatus().conditions.map(({ type, status }) => [type, status])).toEqual([
    ['Ready', 'False'],
    ['Synced', 'False'],
  ]);
});

function statusOf(instances: readonly ObservedInstance[], over: Parameters<typeof plan>[0] = { changes: [keep({ model: 'chat' })] }) {
  return makeStatus({
    desired: desired([model('chat')]),
    plan: plan(over),
    observed: [reachable(instances)],
    inventory: inventory(['chat']),
    now: NOW,
  });
}
