import { describe, expect, it } from 'vitest';
import { approve, isApproved, useUp, NO_HOLDS, quarantineOf, resume, rollBack, suspend, suspendedAt, WHOLE_STACK } from './holds.ts';

const mark = { by: 'alice', at: '2026-01-01T00:00:00Z', why: 'told' };
const bad = (release: string) => ({ ...mark, release, commit: null, generation: 2 });
const pin = { ...mark, generation: 1 };

describe('A suspension', () => {
  it('is of the whole stack where no model is named', () => {
    expect(Object.keys(suspend(NO_HOLDS, [], { ...mark, until: null }).suspended)).toEqual([WHOLE_STACK]);
  });

  it('ends by itself at its time, and without one by a person only', () => {
    const holds = suspend(suspend(NO_HOLDS, ['a'], { ...mark, until: '2026-01-01T01:00:00Z' }), ['b'], { ...mark, until: null });
    const at = (iso: string) => [...suspendedAt(holds, Date.parse(iso)).keys()];
    expect(at('2026-01-01T00:59:59Z')).toEqual(['a', 'b']);
    expect(at('2026-01-01T01:00:00Z')).toEqual(['b']);
    expect(suspendedAt(resume(holds, { names: ['b'], rollback: false }, mark), Date.parse('2027-01-01T00:00:00Z')).size).toBe(0);
  });

  it('of one model ends without that of the others, and leaves a way back as it is', () => {
    const holds = rollBack(suspend(NO_HOLDS, ['a', 'b'], { ...mark, until: null }), pin, bad('r2'));
    expect(resume(holds, { names: ['a'], rollback: false }, mark)).toMatchObject({
      suspended: { b: {} },
      pin,
      quarantined: [{ release: 'r2' }],
    });
    expect(resume(holds, { names: ['a'], rollback: true }, mark)).toMatchObject({ suspended: { b: {} }, pin: null, quarantined: [] });
  });

  it.each([[[]], [['a']]])('ends before what a rollback holds does, which takes a second word, or one that says so: %j', (names) => {
    const holds = rollBack(suspend(NO_HOLDS, names, { ...mark, until: null }), pin, bad('r2'));
    const once = resume(holds, { names: [], rollback: false }, mark);
    expect(once).toEqual({ ...holds, suspended: {}, resumed: mark });
    expect(resume(once, { names: [], rollback: false }, mark)).toEqual({ ...NO_HOLDS, resumed: mark });
    expect(resume(holds, { names: [], rollback: true }, mark)).toEqual({ ...NO_HOLDS, resumed: mark });
  });

  it('that is over keeps no rollback from being lifted', () => {
    const holds = rollBack(suspend(NO_HOLDS, [], { ...mark, until: mark.at }), pin, bad('r2'));
    expect(resume(holds, { names: [], rollback: false }, mark)).toEqual({ ...NO_HOLDS, resumed: mark });
  });
});

describe('A way back', () => {
  it('quarantines what was bad, once, and ends its watching', () => {
    const bake = { release: 'r2', commit: null, previous: 1, models: { a: 'h' }, since: null, ms: 1, unwatched: false, boot: null };
    const holds = rollBack(rollBack({ ...NO_HOLDS, bake }, pin, bad('r2')), pin, bad('r2'));
    expect(holds).toMatchObject({ bake: null, pin });
    expect(holds.quarantined).toHaveLength(1);
    expect([quarantineOf(holds, 'r2')?.by, quarantineOf(holds, 'r3')]).toEqual(['alice', null]);
  });

  it('keeps what was quarantined before where nothing more is bad', () => {
    expect(rollBack(rollBack(NO_HOLDS, pin, bad('r2')), pin, null).quarantined).toHaveLength(1);
  });
});

it('An approval lets its own changes through, some of them too, and each once', () => {
  const holds = approve(NO_HOLDS, { ...mark, plan: 'p', covers: ['a', 'b'] });
  expect([['a'], ['b', 'a'], ['a', 'c']].map((changes) => isApproved(holds, changes))).toEqual([true, true, false]);
  const half = useUp(holds, ['a', 'c']);
  expect([['a'], ['b']].map((changes) => isApproved(half, changes))).toEqual([false, true]);
  expect(useUp(half, ['b'])).toEqual(NO_HOLDS);
});

it('What is remembered does not grow for ever', () => {
  let holds = NO_HOLDS;
  for (let n = 0; n < 200; n += 1) holds = approve(rollBack(holds, pin, bad(`r${n}`)), { ...mark, plan: `p${n}`, covers: ['x'] });
  expect([holds.quarantined.length, holds.approved.length]).toEqual([50, 50]);
  expect(holds.approved.at(-1)?.plan).toBe('p199');
  expect(quarantineOf(holds, 'r199')).not.toBeNull();
});
