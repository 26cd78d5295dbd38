import { describe, expect, it } from 'vitest';
import type { RunHeader } from '../../src/domain/ledger.ts';
import { NO_HOLDS, type Holds } from '../../src/domain/holds.ts';
import { newGeneration, generationNumbers, writeGeneration } from '../../src/state/generations.ts';
import { header } from '../apply/headers.ts';
import { memoryDisk } from '../world/memory-disk.ts';

const DIR = '/state';
const mark = { by: 'alice', at: '', why: null };

/** A history of restarts: as many generations of one release as are given, after the first three, which are a release each. */
async function history(count: number, holds: Partial<Holds> = {}): Promise<readonly number[]> {
  const disk = memoryDisk();
  await disk.makeFolder(`${DIR}/generations`);
  await disk.write(`${DIR}/holds.json`, Buffer.from(JSON.stringify({ ...NO_HOLDS, ...holds })));
  for (let number = 1; number <= count; number += 1) {
    const made = newGeneration(number, `run-${number}`, header() as RunHeader);
    const left = number === 2 ? { left: ['chat'] } : {};
    await writeGeneration(disk, DIR, { ...made, revision: `r${Math.min(number, 4)}`, outcome: 'succeeded', ...left }, new Set());
  }
  return generationNumbers(disk, DIR);
}

describe('Of a long history', () => {
  it('the newest 100 stay, and the newest of each release that one can go back to', async () => {
    const numbers = await history(110);
    expect(numbers.slice(0, 4)).toEqual([1, 3, 11, 12]); // the second brought only some models to what it declares
    expect(numbers).toHaveLength(102);
  });

  it('so does what a rollback holds to, and what a release that is watched would go back to', async () => {
    const bake = { release: 'r', commit: null, previous: 5, models: {}, since: null, ms: 1, unwatched: false, boot: null };
    expect((await history(110, { pin: { ...mark, generation: 2 }, bake })).slice(0, 5)).toEqual([1, 2, 3, 5, 11]);
  });
});
