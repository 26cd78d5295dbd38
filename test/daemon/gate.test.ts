import { describe, expect, it } from 'vitest';
import { passage } from '../../src/daemon/gate.ts';
import { approve, NO_HOLDS, type Holds } from '../../src/domain/holds.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { opensIn } from '../../src/daemon/windows.ts';
import { NO_POLICY, stricterOf, WEEKDAYS, type Judging, type PolicySpec } from '../../src/domain/policy.ts';
import { sha256 } from '../../src/stack/sha256.ts';
import { planOf } from './plans.ts';

const NOON = Date.parse('2026-03-02T12:00:00Z');
const mark = { by: 'alice', at: '2026-03-02T12:00:00Z', why: null };
const MASS_DELETE = { severity: 'error', code: 'mass-delete', summary: 'This deletes much.' } as const;
const evening: PolicySpec = { windows: [{ days: WEEKDAYS, from: 20 * 60, to: 22 * 60, timezone: 'UTC' }], approve: 'none' };
const plan = planOf({ chat: 'create', embed: 'delete', old: { action: 'update', correctsDrift: true }, calm: 'keep' });
const DUE = ['chat', 'embed', 'old'];

function pass(policy: Judging, how: { readonly holds?: Holds; readonly release?: string; readonly what?: Plan } = {}) {
  const { holds = NO_HOLDS, release = 'r1', what = plan } = how;
  return passage(what, DUE, { policy, holds, target: { kind: 'release', id: release }, wallMs: NOON, hash: sha256 });
}

describe('What the file asks for', () => {
  it('passes where nothing is said of that', () => {
    expect(pass(NO_POLICY)).toEqual({ parked: null, held: new Set(), approved: new Map() });
  });

  it('waits for its window, and what corrects drift does not', () => {
    const { parked, held } = pass(evening);
    expect(parked).toMatchObject({ untilMs: NOON + 8 * 3_600_000, summary: 'create chat; delete embed.' });
    expect([...held]).toEqual(['chat', 'embed']);
  });

  it.each([
    ['destructive', planOf({ chat: 'create' }), false],
    ['destructive', plan, true],
    ['destructive', planOf({ chat: { action: 'update', cost: { downtime: 'one-start' } } as object }), true],
    ['all', planOf({ chat: 'create' }), true],
  ] as const)('waits for a person where `approve: %s` says so', (how, what, waits) => {
    expect(pass({ windows: [], approve: how }, { what }).parked !== null).toBe(waits);
  });

  it('passes once it was approved, outside of windows too, and what is left of it as well; another change, or the same of another release, does not', () => {
    const policy: PolicySpec = { ...evening, approve: 'all' };
    const { parked } = pass(policy);
    const holds = approve(NO_HOLDS, { ...mark, plan: parked?.key ?? '', covers: parked?.covers ?? [] });
    const passes = pass(policy, { holds });
    expect([passes.parked, [...passes.approved.values()]]).toEqual([null, parked?.covers]);
    expect(pass(policy, { holds, release: 'r2' }).parked).not.toBeNull();
    expect(pass(policy, { holds, what: planOf({ chat: 'create' }) }).parked, 'what is left of it').toBeNull();
    expect(pass(policy, { holds, what: planOf({ chat: 'delete' }) }).parked).not.toBeNull();
  });

  it('waits for a person where it deletes much, and for nobody where something else is wrong with it', () => {
    const guarded = { ...plan, problems: [MASS_DELETE] } as Plan;
    expect(pass(NO_POLICY, { what: guarded }).parked?.why).toContain('This deletes much. It waits for: llmops approve');
    const broken = { ...plan, problems: [MASS_DELETE, { ...MASS_DELETE, code: 'other' }] } as Plan;
    expect(pass(NO_POLICY, { what: broken }).parked).toBeNull();
  });
});

it('A way back passes at any time', () => {
  const circumstances = { policy: { ...evening, approve: 'all' }, holds: NO_HOLDS, wallMs: NOON, hash: sha256 } as const;
  expect(passage(plan, DUE, { ...circumstances, target: { kind: 'generation', number: 1 } }).parked).toBeNull();
});

describe('Of two policies', () => {
  const at = (from: number): PolicySpec => ({
    windows: [{ days: WEEKDAYS, from: from * 60, to: (from + 2) * 60, timezone: 'UTC' }],
    approve: 'none',
  });
  const both = (a: PolicySpec, b: PolicySpec) => stricterOf(a, b, (windows) => opensIn(windows, NOON));

  it.each([
    [NO_POLICY, evening, 8],
    [evening, NO_POLICY, 8],
    [at(11), at(20), 8],
    [at(22), at(20), 10],
    [at(11), at(12), 0],
  ])('a change is inside of both', (a, b, hours) => {
    expect(pass(both(a, b)).parked?.untilMs ?? NOON).toBe(NOON + hours * 3_600_000);
  });

  it('whichever asks for more has the word', () => {
    const all: PolicySpec = { windows: [], approve: 'all' };
    expect([both(all, evening).approve, both(NO_POLICY, all).approve, both(evening, NO_POLICY).approve]).toEqual(['all', 'all', 'none']);
  });

  it('what is edited beside models waits where everything is approved, under a name of its own release', () => {
    const policy: Judging = { windows: [], approve: 'all', besides: ['policy'] };
    const { parked, held } = pass(policy, { what: planOf({ chat: 'keep' }) });
    expect([parked?.summary, held.size]).toEqual(['edit policy.', 0]);
    const holds = approve(NO_HOLDS, { ...mark, plan: parked?.key ?? '', covers: parked?.covers ?? [] });
    expect(pass(policy, { what: planOf({ chat: 'keep' }), holds })).toMatchObject({ parked: null });
    expect(pass(policy, { what: planOf({ chat: 'keep' }), holds, release: 'r2' }).parked).not.toBeNull();
  });
});
