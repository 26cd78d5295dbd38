import { describe, expect, it } from 'vitest';
import type { Generation } from '../../src/domain/generation.ts';
import { waysBack, type RetentionSpec, type WeightFiles } from '../../src/domain/retention.ts';

/** Newest first, as they are listed; `release` names what was applied. */
function history(...applied: readonly (readonly [release: string, weights: WeightFiles])[]): readonly Generation[] {
  return applied.map(([revision, weights], index) => made(applied.length - index, revision, weights));
}

function made(number: number, revision: string, weights: WeightFiles, retention?: RetentionSpec): Generation {
  const source = { file: '/x', text: '', commit: null, weights, ...(retention && { retention }) };
  return { number, revision, mode: 'apply', outcome: 'succeeded', source } as unknown as Generation;
}

const ways = (all: readonly Generation[]) => waysBack(all, ({ revision }) => revision);

describe('Ways back', () => {
  it('are one a release, by the newest generation that applied it', () => {
    const all = history(['c', { z: 1 }], ['b', { y: 1 }], ['b', { y: 1 }], ['a', { x: 1 }]);
    expect(ways(all).map(({ number }) => number)).toEqual([4, 3, 1]);
  });

  it('are no generation that failed or only ended something', () => {
    const [failed, down] = [
      { ...made(3, 'c', {}), outcome: 'failed' },
      { ...made(2, 'b', {}), mode: 'down' },
    ] as Generation[];
    expect(ways([failed, down, made(1, 'a', {})] as Generation[]).map(({ number }) => number)).toEqual([1]);
  });

  it('keep their weights up to a number of releases, that of the one in force', () => {
    const all = [
      made(4, 'd', {}, { generations: 2, bytes: null }),
      made(3, 'c', {}),
      made(2, 'b', {}),
      made(1, 'a', {}, { generations: 99, bytes: null }),
    ];
    expect(ways(all).map(({ isKept }) => isKept)).toEqual([true, true, true, false]);
  });

  it('keep their weights up to a size, in which what is in force and what is shared cost nothing', () => {
    const all = [
      made(4, 'd', { now: 500 }, { generations: 10, bytes: 100 }),
      made(3, 'c', { now: 500, old: 60 }),
      made(2, 'b', { old: 60, more: 40 }),
      made(1, 'a', { older: 1 }),
    ];
    expect(ways(all).map(({ isKept }) => isKept)).toEqual([true, true, true, false]);
  });

  it('begin anew with nothing older once one is beyond: a hole in the way would be no way', () => {
    const all = [made(3, 'c', {}, { generations: 10, bytes: 10 }), made(2, 'b', { big: 11 }), made(1, 'a', { small: 1 })];
    expect(ways(all).map(({ isKept }) => isKept)).toEqual([true, false, false]);
  });
});
