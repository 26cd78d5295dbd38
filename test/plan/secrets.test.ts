import { describe, expect, it } from 'vitest';
import type { ObservedInstance } from '../../src/domain/observed.ts';
import { exchangedSecret, secretNumber, secretText, type SecretSight } from '../../src/domain/secret.ts';
import type { PlanInput } from '../../src/plan/index.ts';
import { performAll, type World } from './simulate.ts';
import { artifactOf, backendOf, desiredOf, GIB, modelOf, NOTHING, planFor, traitsOf } from './stack.ts';

const REFERENCE = 'env:KEY';
const one = traitsOf('one', true);
const traits = {
  one: {
    ...one,
    prices: { ...one.prices, 'options.apiKey': 'restart' as const },
    fields: (...asked: Parameters<typeof one.fields>) => ({ ...one.fields(...asked), 'options.apiKey': REFERENCE }),
  },
};
const asked = { desired: desiredOf([modelOf('chat')], [backendOf('a')]), artifacts: { chat: artifactOf('aa', GIB) }, traits };

const EMPTY: World = {
  observed: [
    {
      status: 'reachable',
      name: 'a',
      type: 'one',
      engine: { status: 'present', at: '/bin/engine', version: '1', capabilities: [] },
      instances: [],
      memory: [{ kind: 'ram', name: 'ram', totalBytes: 64 * GIB, freeBytes: 32 * GIB }],
    },
  ],
  inventory: NOTHING,
};

const sight = (more: Partial<SecretSight>): NonNullable<PlanInput['secrets']> => ({
  chat: [{ field: 'options.apiKey', reference: REFERENCE, status: 'held', problem: null, same: [], other: [], ...more }],
});
const MISSING = sight({
  status: 'missing',
  problem: { severity: 'error', code: 'secret-unavailable', summary: 'The API key of chat cannot be had from env:KEY: it is not set.' },
});

const copiesIn = ({ observed: [backend] }: World): readonly ObservedInstance[] =>
  backend?.status === 'reachable' ? backend.instances : [];
const end = (worlds: readonly World[]): World => worlds.at(-1) as World;
const settingOf = (copy: ObservedInstance | undefined) => copy?.configured['options.apiKey'];

/** The world once the model runs with its first key, with its second, and so on. */
function running(keys = 1): World {
  let world = EMPTY;
  for (let key = 1; key <= keys; key += 1) {
    const other = copiesIn(world).map(({ id }) => id);
    world = end(performAll(world, planFor(world, { ...asked, secrets: sight({ other }) }).steps));
  }
  return world;
}

describe('The key of a model', () => {
  it('that is still the one its copy was given changes nothing', () => {
    for (const keys of [1, 2, 3]) {
      const world = running(keys);
      expect(settingOf(copiesIn(world)[0])).toBe(secretText(REFERENCE, keys));
      expect(planFor(world, { ...asked, secrets: sight({ same: [copiesIn(world)[0]?.id ?? ''] }) }).steps).toEqual([]);
    }
  });

  it('that was exchanged is a change of that setting, for which the new copy starts beside the old one', () => {
    const world = running();
    const [copy] = copiesIn(world);
    const plan = planFor(world, { ...asked, secrets: sight({ other: [copy?.id ?? ''] }) });
    expect(plan.changes[0]).toMatchObject({
      action: 'update',
      replacement: 'surge',
      price: 'restart',
      cause: 'the key behind env:KEY changed',
      correctsDrift: false,
      fields: [{ field: 'options.apiKey', from: 'env:KEY', to: 'env:KEY#2' }],
    });
  });

  it('that was exchanged while nothing runs is no change of settings', () => {
    const { inventory } = running(2);
    const [change] = planFor({ ...EMPTY, inventory }, { ...asked, secrets: sight({}) }).changes;
    expect(change?.wish?.fields['options.apiKey']).toBe('env:KEY#2');
  });

  it('is followed through a rotation that was cut off, and back where the old key came back', () => {
    const world = running();
    const [old] = copiesIn(world);
    const secrets = sight({ other: [old?.id ?? ''] });
    const started = performAll(world, planFor(world, { ...asked, secrets }).steps).find((each) => copiesIn(each).length === 2) as World;
    const next = copiesIn(started).find(({ id }) => id !== old?.id);
    const settled = (more: Partial<SecretSight>) =>
      copiesIn(end(performAll(started, planFor(started, { ...asked, secrets: sight(more) }).steps)));
    expect(settled({ same: [next?.id ?? ''], other: [old?.id ?? ''] }).map(settingOf)).toEqual(['env:KEY#2']);
    expect(settled({ same: [old?.id ?? ''], other: [next?.id ?? ''] }).map(settingOf)).toEqual(['env:KEY']);
    expect(settled({ other: [old?.id ?? '', next?.id ?? ''] }).map(settingOf)).toEqual(['env:KEY#3']);
  });

  it('that cannot be had blocks a start, and is a warning where nothing starts', () => {
    const blocked = planFor(EMPTY, { ...asked, secrets: MISSING });
    expect(blocked.changes[0]).toMatchObject({ action: 'blocked', problem: { code: 'secret-unavailable', severity: 'error' } });
    expect(blocked.steps).toEqual([]);
    const kept = planFor(running(2), { ...asked, secrets: MISSING });
    expect([kept.changes[0], kept.problems]).toMatchObject([
      { action: 'keep', unverified: ['options.apiKey'] },
      [{ code: 'secret-unavailable', severity: 'warning' }],
    ]);
  });

  it('that only a command would tell is not verified, and said to be', () => {
    const plan = planFor(running(2), { ...asked, secrets: sight({ status: 'unasked' }) });
    expect([plan.changes[0], plan.problems]).toMatchObject([
      { action: 'keep', unverified: ['options.apiKey'] },
      [{ code: 'secret-unverified', severity: 'info' }],
    ]);
  });

  it('moves the basis of a saved plan when it is exchanged', () => {
    const world = running();
    const [id] = copiesIn(world).map((copy) => copy.id);
    const basis = (more: Partial<SecretSight>) => planFor(world, { ...asked, secrets: sight(more) }).basis;
    expect(basis({ same: [id ?? ''] })).not.toBe(basis({ other: [id ?? ''] }));
  });

  it('that was looked at when the file named another one is not taken for this one', () => {
    const told = sight({ reference: 'env:FORMER', other: ['chat-x'] });
    expect(planFor(running(), { ...asked, secrets: told }).changes[0]).toMatchObject({ action: 'keep', unverified: [] });
  });
});

describe('The setting of a secret', () => {
  it('tells how many have been behind its reference', () => {
    for (const number of [1, 2, 10]) expect(secretNumber(secretText('file:a#2', number), 'file:a#2')).toBe(number);
    for (const other of ['env:KEY2', 'env:KEY#', 'env:KEY#0', 'env:KEY#x', 'env:OTHER', null, 3])
      expect(secretNumber(other, REFERENCE)).toBeNull();
  });

  it('tells an exchanged secret from another reference', () => {
    expect(exchangedSecret('env:KEY', 'env:KEY#2')).toBe('env:KEY');
    expect(exchangedSecret('env:KEY#2', 'env:KEY#3')).toBe('env:KEY');
    expect([exchangedSecret('env:A', 'env:B'), exchangedSecret(null, 'env:B'), exchangedSecret('env:B', 'env:B')]).toEqual([
      null,
      null,
      null,
    ]);
  });
});
