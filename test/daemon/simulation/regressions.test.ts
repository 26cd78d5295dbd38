import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Command } from './commands.ts';
import { simulate } from './simulate.ts';

/** A world in which something went wrong once, shrunk. */
interface Regression {
  readonly name: string;
  readonly seed: number;
  readonly story: readonly Command[];
}

const regressions = JSON.parse(readFileSync(new URL('regressions.json', import.meta.url), 'utf8')) as readonly Regression[];

describe('A world in which a promise was broken once', () => {
  it.each(regressions)('$name', async ({ seed, story }) => {
    expect((await simulate(seed, story)).problem).toBeNull();
  });

  it('comes out the same whenever it is played', async () => {
    const [one, other] = [await simulate(17), await simulate(17)];
    expect(other).toEqual(one);
  });
});
