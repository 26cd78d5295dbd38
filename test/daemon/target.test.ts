import { describe, expect, it } from 'vitest';
import { approvedFor, keyOf, targetOf, type Target } from '../../src/daemon/target.ts';
import { NO_HOLDS, resume, rollBack, type Holds } from '../../src/domain/holds.ts';

const mark = { by: 'alice', at: '2026-01-01T00:00:00Z', why: null };
const rolledBack: Holds = rollBack(NO_HOLDS, { ...mark, generation: 3 }, { ...mark, release: 'bad', commit: null, generation: 4 });

describe('The stack is brought to', () => {
  it('the newest release', () => {
    expect(targetOf('new', NO_HOLDS)).toEqual({ kind: 'release', id: 'new' });
  });

  it('what it was rolled back to, for as long as the release that was bad is the newest', () => {
    expect(targetOf('bad', rolledBack)).toEqual({ kind: 'generation', number: 3 });
    expect(targetOf('next', rolledBack)).toEqual({ kind: 'release', id: 'next' });
    expect(targetOf('bad', resume(rolledBack, { names: [], rollback: false }, { by: 'alice', at: '', why: null }))).toEqual({
      kind: 'release',
      id: 'bad',
    });
  });

  it('what it was rolled back to where no release can be had', () => {
    expect(targetOf(null, rolledBack)).toEqual({ kind: 'generation', number: 3 });
  });

  it('nothing but what is in force where there is neither', () => {
    expect(targetOf(null, NO_HOLDS)).toEqual({ kind: 'in-force', quarantine: null });
    expect(targetOf('bad', { ...rolledBack, pin: null })).toMatchObject({ kind: 'in-force', quarantine: { release: 'bad' } });
  });
});

it('Targets are told apart by their keys', () => {
  const all = [targetOf('a', NO_HOLDS), targetOf('b', NO_HOLDS), targetOf('bad', rolledBack), targetOf(null, NO_HOLDS)];
  expect(new Set(all.map(keyOf)).size).toBe(all.length);
});

it('An approval of a release that is no target any more is gone, also where that came while no daemon ran', () => {
  const of = (release: string) => ({ ...mark, plan: release, covers: [`${release} chat delete -`] });
  const holds: Holds = { ...NO_HOLDS, approved: [of('old'), of('new')] };
  const left = (target: Target) => approvedFor(target, holds).approved.map(({ plan }) => plan);
  expect(left({ kind: 'release', id: 'new' })).toEqual(['new']);
  expect(left({ kind: 'generation', number: 3 })).toEqual([]);
  expect(left({ kind: 'in-force', quarantine: null }), 'nothing is known to come').toEqual(['old', 'new']);
});
