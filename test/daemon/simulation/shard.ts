import { describe, expect, it } from 'vitest';
import { printed, shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

/** How many test files share the seeds. */
const SHARDS = 4;
const SEEDS = Number(process.env['SEEDS'] ?? 2000);
const ONE = process.env['SEED'];
/** In one test. */
const BATCH = 50;

/** The share of the seeds that is one test file's, numbered from 1. `SEED=7` plays only that one, `SEEDS=10000` more of them. */
export function describeShard(shard: number): void {
  const all = ONE === undefined ? Array.from({ length: SEEDS }, (_, at) => at + 1) : [Number(ONE)];
  const mine = all.filter((seed) => seed % SHARDS === shard % SHARDS);
  describe.skipIf(mine.length === 0)('The daemon keeps its promises whatever happens', () => {
    for (let at = 0; at < mine.length || at === 0; at += BATCH) {
      const seeds = mine.slice(at, at + BATCH);
      it(`in worlds ${seeds[0]} to ${seeds.at(-1)}, each ${SHARDS}th`, async () => {
        for (const seed of seeds) await play(seed);
      });
    }
  });
}

async function play(seed: number): Promise<void> {
  const ending = await simulate(seed);
  if (ending.problem === null) return;
  const { problem, story } = await shrink(seed, ending);
  expect.fail(`SEED=${seed}: ${ending.problem}\nShrunk, for a file in regressions/ (${problem}):\n${printed(story)}`);
}
