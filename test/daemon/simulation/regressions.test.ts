import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Command } from './commands.ts';
import { simulate } from './simulate.ts';

/** A world in which something went wrong once, shrunk. Its file is named after what holds in it by now. */
interface Regression {
  readonly seed: number;
  readonly story: readonly Command[];
}

const folder = new URL('regressions/', import.meta.url);
const names = readdirSync(folder).map((name) => name.replace('.json', ''));

describe('A world in which a promise was broken once', () => {
  it.each(names)('%s', async (name) => {
    const { seed, story } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Regression;
    expect((await simulate(seed, story)).problem).toBeNull();
  });

  it('comes out the same whenever it is played', async () => {
    const [one, other] = [await simulate(17), await simulate(17)];
    expect(other).toEqual(one);
  });
});
