import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapBounded, sharing } from './bounded.ts';

describe('Work on many items', () => {
  it('gives results in the order of the items, whichever ends first, with never more at work than allowed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), async (turns, most) => {
        const busy = { now: 0, most: 0 };
        const results = await mapBounded([...turns.entries()], most, async ([index, each]) => {
          busy.most = Math.max(busy.most, (busy.now += 1));
          for (let turn = 0; turn < each; turn += 1) await Promise.resolve();
          busy.now -= 1;
          return index;
        });
        expect(results).toEqual([...turns.keys()]);
        expect(busy.most).toBe(Math.min(most, turns.length));
      }),
    );
  });

  it('is done once for items with the same key, also while the first still goes on', async () => {
    let begun = 0;
    const work = sharing<string, number>(
      (item) => item.toLowerCase(),
      async () => (begun += 1),
    );
    expect(await Promise.all([work('a'), work('A'), work('b')])).toEqual([1, 1, 2]);
    expect(await work('B')).toBe(2);
  });
});
