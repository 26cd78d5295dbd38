import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '../../src/domain/desired.ts';
import type { ObservedBackend } from '../../src/domain/observed.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { BackendTraits } from '../../src/plan/index.ts';
import { copiesIn, performAll, type World } from './simulate.ts';
import { artifactOf, backendOf, desiredOf, GIB, modelOf, NOTHING, planFor, TRAITS, type Asked } from './stack.ts';

/** An engine that has one number of requests for all its models, which it reads when it starts. */
const shared: BackendTraits = {
  ...TRAITS.one,
  mustSwap: (model, _backend, running) =>
    running?.['parallel'] === model.parallel ? null : { because: 'it is one for the whole server', setting: null, together: true },
};
const EMPTY: ObservedBackend = {
  status: 'reachable',
  name: 'a',
  type: 'one',
  engine: { status: 'present', at: '/bin/one', version: '1', capabilities: [] },
  instances: [],
  memory: [],
};

const asking = (models: readonly ModelSpec[], over: Partial<Asked> = {}): Asked => ({
  desired: desiredOf(models, [backendOf('a')]),
  artifacts: Object.fromEntries(models.map(({ name }) => [name, artifactOf('aa', GIB)])),
  traits: { one: shared },
  ...over,
});
const models = (parallel: number, ...names: readonly string[]) => names.map((name) => modelOf(name, { parallel }));

/** `chat`, `code` and `draft` run with two requests at once. */
function atWork(): World {
  const world: World = { observed: [EMPTY], inventory: NOTHING };
  return performAll(world, planFor(world, asking(models(2, 'chat', 'code', 'draft'))).steps).at(-1) as World;
}

/** What has ended before a step can begin. */
function before({ steps }: Plan, id: string): ReadonlySet<string> {
  const found = new Set([id]);
  for (const each of found) for (const after of steps.find((step) => step.id === each)?.after ?? []) found.add(after);
  return found;
}

describe('A setting that is one for a whole server', () => {
  it('has every old copy end before any new one starts, those of models that go for good as well', () => {
    const world = atWork();
    const plan = planFor(world, asking(models(4, 'chat', 'code')));
    for (const model of ['chat', 'code'])
      expect([...before(plan, `${model}.start`)]).toEqual(expect.arrayContaining(['chat.stop-old', 'code.stop-old', 'draft.stop']));
    expect(plan.changes.find(({ model }) => model === 'chat')).toMatchObject({
      replacement: 'swap',
      replacementReason: 'it is one for the whole server',
      waits: 'for code and draft to end, because the server is started anew',
    });
    const after = performAll(world, plan.steps).at(-1) as World;
    expect(copiesIn(after.observed).map(({ model }) => model)).toEqual(['chat', 'code']);
    expect(planFor(after, asking(models(4, 'chat', 'code'))).steps).toEqual([]);
  });

  it('that stays as it is lets each model change for itself', () => {
    const plan = planFor(atWork(), asking([modelOf('chat', { parallel: 2, context: 1024 }), ...models(2, 'code', 'draft')]));
    expect(new Set(plan.steps.map(({ model }) => model))).toEqual(new Set(['chat']));
  });

  it('is not changed while a model stays about which nothing is done: nothing is ended for it', () => {
    const targeted = planFor(atWork(), asking(models(4, 'chat', 'code', 'draft'), { targets: ['chat'] }));
    expect(targeted.steps).toEqual([]);
    expect(targeted.changes).toMatchObject([
      { action: 'blocked', problem: { code: 'needs-server-restart', summary: expect.stringContaining('code and draft') as string } },
    ]);
    const all = asking(models(4, 'chat', 'code', 'draft'));
    const stuck = planFor(atWork(), { ...all, artifacts: { chat: artifactOf('aa', GIB), code: artifactOf('aa', GIB) } });
    expect(stuck.changes.map(({ action }) => action)).toEqual(['blocked', 'blocked', 'blocked']);
  });
});
