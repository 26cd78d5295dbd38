import type { StackTold } from '../world/stack.ts';

/** Each play has realms of its own, so that plays do not see each other. */
export function inRealms(stack: StackTold, id: number | string): StackTold {
  const backends = stack.backends ?? { local: { realm: 'local' } };
  return {
    ...stack,
    backends: Object.fromEntries(Object.entries(backends).map(([name, told]) => [name, { ...told, realm: `${told.realm}-${id}` }])),
  };
}
