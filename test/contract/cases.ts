import { afterEach, beforeEach, describe, it } from 'vitest';
import { World, type Conformance } from './world.ts';

/** One sentence that must be true of every backend, and how to see it. */
export type Case = readonly [title: string, test: (world: World) => Promise<void> | void];

/** Runs cases as tests, each in a world of its own. A skipped one carries its reason. */
export function describeCases(topic: string, conformance: Conformance, cases: readonly Case[]): void {
  describe(topic, () => {
    let world: World;
    beforeEach(async () => {
      world = await World.open(conformance);
    });
    afterEach(() => world.end());
    for (const [title, test] of cases) {
      const reason = conformance.skip?.[title];
      if (reason === undefined) it(title, () => test(world));
      else it.skip(`${title} (skipped: ${reason})`, () => undefined);
    }
  });
}
