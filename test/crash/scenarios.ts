import type { Realm } from '../world/world.ts';
import type { StackTold } from '../world/stack.ts';

/** From a world that was converged to `before`, and then disturbed, to what `wish` asks for. */
export interface Scenario {
  readonly name: string;
  readonly before: StackTold | null;
  readonly disturb?: (realm: Realm) => void;
  readonly wish: StackTold;
  /** How the changed model is replaced, so that the scenario is the one that its name says. */
  readonly replacement?: 'surge' | 'swap';
  /** False: this wish cannot be fulfilled, or takes down what is still declared: the next plan is not empty. */
  readonly converges?: false;
  /** True: the wish fails, and what served before serves again, wherever the first run died. */
  readonly restores?: true;
}

const one: StackTold = { models: { chat: {} } };
const swap = { strategy: 'swap', holdMs: 1000, drainMs: 10_000, bakeMs: 0 } as const;
const first = (realm: Realm) => [...realm.instances.values()][0] ?? fail();

export const scenarios: readonly Scenario[] = [
  { name: 'create a model', before: null, wish: one },
  { name: 'create two models', before: null, wish: { models: { chat: {}, embed: {} } } },
  { name: 'change the context, new before old', before: one, wish: { models: { chat: { context: 2048 } } }, replacement: 'surge' },
  {
    name: 'change the context, old before new',
    before: { models: { chat: { rollout: swap } } },
    wish: { models: { chat: { rollout: swap, context: 2048 } } },
    replacement: 'swap',
  },
  { name: 'other weights', before: one, wish: { models: { chat: { weights: 'other' } } } },
  { name: 'delete one of two', before: { models: { chat: {}, embed: {} } }, wish: one },
  { name: 'rename', before: one, wish: { models: { talk: { weights: 'chat' } } } },
  {
    name: 'settings that the engine reset',
    before: one,
    disturb: (realm) => void (first(realm).loaded = { ...first(realm).loaded, context: 512 }),
    wish: one,
  },
  { name: 'an instance that crashed', before: one, disturb: (realm) => void (first(realm).phase = 'failed'), wish: one },
  { name: 'an instance that is gone', before: one, disturb: (realm) => realm.instances.clear(), wish: one },
  {
    name: 'two models that trade places in memory',
    before: { models: { chat: { context: 1 }, embed: { context: 1 } }, backends: { local: { realm: 'local', memory: 38_000_000 } } },
    wish: { models: { chat: { context: 2 }, embed: { context: 2 } }, backends: { local: { realm: 'local', memory: 38_000_000 } } },
    replacement: 'surge',
  },
  {
    name: 'one added, one changed, one removed, on two backends',
    before: { models: { a: {}, b: { backend: 'far' } }, backends: { local: { realm: 'local' }, far: { realm: 'far' } } },
    wish: { models: { a: { parallel: 2 }, c: { backend: 'far' } }, backends: { local: { realm: 'local' }, far: { realm: 'far' } } },
  },
  { name: 'move to another backend', before: two('local'), wish: two('far') },
  { name: 'down', before: { models: { chat: {}, embed: {} } }, wish: { models: { chat: {}, embed: {} }, mode: 'down' }, converges: false },
  { name: 'destroy', before: one, wish: { ...one, mode: 'destroy' }, converges: false },
  {
    name: 'a replacement that fails its probe',
    before: one,
    wish: { models: { chat: { options: { fail: 'probe' } } } },
    replacement: 'surge',
    converges: false,
  },
  {
    name: 'a swap that fails its probe',
    before: { models: { chat: { rollout: swap } } },
    wish: { models: { chat: { rollout: swap, options: { fail: 'probe' } } } },
    replacement: 'swap',
    restores: true,
    converges: false,
  },
  {
    name: 'a swap that fails its start',
    before: { models: { chat: { rollout: swap } } },
    wish: { models: { chat: { rollout: swap, options: { fail: 'start' } } } },
    replacement: 'swap',
    restores: true,
    converges: false,
  },
  {
    name: 'a first start that fails',
    before: null,
    wish: { models: { chat: { options: { fail: 'start' } }, embed: {} } },
    converges: false,
  },
];

function two(backend: string): StackTold {
  return { models: { chat: { backend } }, backends: { local: { realm: 'local' }, far: { realm: 'far' } } };
}

function fail(): never {
  throw new Error('The scenario expects an instance.');
}
