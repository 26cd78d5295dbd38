import { describe, expect, it } from 'vitest';
import { SUPERVISED } from '../../src/domain/backoff.ts';
import { CrashWatch, type Known } from '../../src/stack/crash-watch.ts';
import type { Plan } from '../../src/domain/plan.ts';

const POLICY = { firstMs: 100, factor: 2, capMs: 300, giveUpAfter: Infinity, healthyMs: 10_000 };

const APPLIED: Known = { applied: new Map([['chat', 'abc']]), unreached: new Set(), busy: false };
const BUSY: Known = { ...APPLIED, busy: true };

/** A plan for one model that runs, has crashed, or has crashed while somebody wants another setting of it. */
function plan(state: 'runs' | 'crashed' | 'crashed-and-changed'): Plan {
  const drift = state === 'runs' ? [] : [{ model: 'chat', reason: 'crashed', detail: 'chat crashed.' }];
  return {
    drift,
    changes: [
      {
        model: 'chat',
        action: state === 'runs' ? 'keep' : 'create',
        cause: 'told',
        wish: { specHash: state === 'crashed-and-changed' ? 'def' : 'abc' },
      },
    ],
  } as unknown as Plan;
}

/** A plan that cannot act on the model; `ended`: it ended by itself. */
function blocked(summary: string, ended?: string): Plan {
  const drift = ended === undefined ? [] : [{ model: 'chat', reason: 'crashed', detail: ended }];
  const problem = { severity: 'error', code: 'port-taken', summary };
  return { drift, changes: [{ model: 'chat', action: 'blocked', wish: null, problem }] } as unknown as Plan;
}

describe('Supervision', () => {
  it('waits longer after each crash, up to a cap, and is never at its end: what it crashes for may go at any time', () => {
    const watch = new CrashWatch(POLICY);
    let now = 0;
    const pauses: unknown[] = [];
    for (let crash = 0; crash < 9; crash += 1) {
      watch.look(plan('runs'), now, APPLIED);
      const [event] = watch.look(plan('crashed'), now, APPLIED).events;
      pauses.push(event?.type === 'waiting' ? event.inMs : event?.type);
      now += 1000;
      watch.started(watch.look(plan('crashed'), now, APPLIED).due, now);
    }
    expect(pauses).toEqual([100, 200, 300, 300, 300, 300, 300, 300, 300]);
    expect(SUPERVISED).toMatchObject({ capMs: 300_000, giveUpAfter: Infinity });
  });

  it('tells what it is about to start, why, when, and how often that was in vain', () => {
    const watch = new CrashWatch(POLICY);
    watch.look(plan('crashed'), 0, APPLIED);
    watch.started(['chat'], 100);
    expect(watch.waiting(), 'it is being started').toEqual([]);
    watch.look(plan('crashed'), 500, APPLIED);
    expect(watch.waiting()).toEqual([{ model: 'chat', why: 'chat crashed.', at: 700, times: 2 }]);
    watch.look(plan('runs'), 600, APPLIED);
    expect(watch.waiting(), 'it runs').toEqual([]);
    watch.look(plan('crashed'), 700, APPLIED);
    watch.look({ drift: [], changes: [] } as unknown as Plan, 800, APPLIED);
    expect(watch.waiting(), 'it is no model of the stack any more').toEqual([]);
  });

  it('starts nothing before the pause is over, and says a crash once', () => {
    const watch = new CrashWatch(POLICY);
    watch.look(plan('runs'), 0, APPLIED);
    expect(watch.look(plan('crashed'), 0, APPLIED).events).toHaveLength(1);
    expect(watch.look(plan('crashed'), 99, APPLIED)).toEqual({ due: [], events: [] });
    expect(watch.look(plan('crashed'), 100, APPLIED)).toEqual({ due: ['chat'], events: [] });
  });

  it('counts anew after a copy that ran for long', () => {
    const watch = new CrashWatch(POLICY);
    for (let crash = 0; crash < 5; crash += 1) {
      const now = crash * 20_000;
      const [event] = watch.look(plan('crashed'), now, APPLIED).events;
      if (crash > 0) expect(event).toMatchObject({ type: 'waiting', inMs: 100 });
      watch.started(['chat'], now);
    }
  });

  it('leaves alone what somebody wants changed: that is an apply, not a restart', () => {
    const watch = new CrashWatch(POLICY);
    expect(watch.look(plan('crashed-and-changed'), 0, APPLIED)).toEqual({ due: [], events: [] });
  });

  it('starts nothing beside what whoever keeps it started anew, just as it is declared', () => {
    const { drift, changes } = plan('crashed');
    const unmanaged = { instance: 'pid-41', endpoint: 'http://127.0.0.1:8081', pid: 41 };
    const served = { drift, changes: [{ ...changes[0], action: 'keep', unmanaged }] } as unknown as Plan;
    const watch = new CrashWatch(POLICY);
    watch.look(plan('crashed'), 0, APPLIED);
    expect(watch.look(served, 100, { ...APPLIED, unreached: new Set(['chat']) })).toEqual({ due: [], events: [] });
    expect(watch.waiting()).toEqual([]);
  });

  it('says once why it cannot start what ended, again when the reason is another one, and then with growing pauses', () => {
    const watch = new CrashWatch(POLICY);
    const said: number[] = [];
    const look = (now: number, by = 'other') => {
      const { events, due } = watch.look(blocked(`${by} holds it.`, 'chat crashed.'), now, APPLIED);
      expect(due).toEqual([]);
      for (const event of events) expect(event).toMatchObject({ type: 'blocked', why: 'chat crashed.', problem: { code: 'port-taken' } });
      if (events.length > 0) said.push(now);
    };
    for (let now = 0; now < 1_000_000; now += 1000) look(now);
    expect(said).toEqual([0, 60_000, 180_000, 420_000, 900_000]);
    look(1_000_000, 'somebody else');
    expect(said).toHaveLength(6);
  });

  it('sends no client to where a copy was that ended and cannot be started anew, at once, unless somebody is at it', () => {
    const { changes, drift } = blocked('other holds it.', 'chat crashed.');
    const lost = { drift, changes: [{ ...changes[0], withdraws: 'http://127.0.0.1:8081' }] } as unknown as Plan;
    expect(new CrashWatch(POLICY).look(lost, 0, APPLIED)).toMatchObject({ due: ['chat'], events: [{ type: 'blocked' }] });
    expect(new CrashWatch(POLICY).look(lost, 0, BUSY).due).toEqual([]);
  });

  it('starts it as soon as nothing is in the way any more', () => {
    const watch = new CrashWatch(POLICY);
    watch.look(blocked('other holds it.', 'chat crashed.'), 0, APPLIED);
    watch.look(plan('crashed'), 5000, APPLIED);
    expect(watch.look(plan('crashed'), 5100, APPLIED).due).toEqual(['chat']);
  });

  it('does not call a copy blocked that was only slow to answer, and says nothing of what was never applied', () => {
    const watch = new CrashWatch(POLICY);
    expect(watch.look(blocked('It does not answer.'), 0, APPLIED).events).toEqual([]);
    expect(watch.look(plan('runs'), 1000, APPLIED).events).toEqual([]);
    expect(watch.look(blocked('It does not answer.'), 2000, APPLIED).events).toEqual([]);
    expect(watch.look(blocked('It does not answer.'), 8000, { ...APPLIED, applied: new Map() }).events).toEqual([]);
    expect(watch.look(blocked('It does not answer.'), 8000, APPLIED).events).toHaveLength(1);
  });

  it('goes on with what a start of its own left away, though nobody calls that a crash', () => {
    const watch = new CrashWatch(POLICY);
    const away = { ...plan('crashed'), drift: [] };
    expect(watch.look(away, 0, APPLIED).events).toEqual([
      { type: 'waiting', model: 'chat', why: 'It is not there: told.', inMs: 100, times: 1 },
    ]);
    expect(watch.look(away, 100, APPLIED).due).toEqual(['chat']);
    expect(new CrashWatch(POLICY).look(away, 0, BUSY).events, 'somebody is changing it').toEqual([]);
    expect(new CrashWatch(POLICY).look(plan('crashed'), 0, BUSY).events).toHaveLength(1);
  });

  it('goes on with a copy that serves and that no client is sent to: a run was cut off before it published', () => {
    const cutOff = {
      drift: [],
      changes: [{ model: 'chat', action: 'update', cause: 'told', wish: { specHash: 'abc' }, cost: { downtime: 'one-start' } }],
    } as unknown as Plan;
    const [watch, unreached] = [new CrashWatch(POLICY), { ...APPLIED, unreached: new Set(['chat']) }];
    expect(watch.look(cutOff, 0, APPLIED).events, 'clients reach it: what is left to do can wait').toEqual([]);
    expect(watch.look(cutOff, 0, { ...unreached, busy: true }).events, 'somebody is at it').toEqual([]);
    expect(watch.look(cutOff, 0, unreached).events).toMatchObject([{ type: 'waiting', why: 'No client is sent to it: told.' }]);
    expect(watch.look(cutOff, 100, unreached).due).toEqual(['chat']);
  });

  it('starts what was away and serves again by itself, if its clients do not reach it', () => {
    const loading = { changes: [{ ...plan('crashed').changes[0], cause: 'told' }], drift: [] } as unknown as Plan;
    const serving = {
      drift: [],
      changes: [{ model: 'chat', action: 'update', cause: 'told', wish: { specHash: 'abc' }, cost: { downtime: 'one-start' } }],
    } as unknown as Plan;
    const [watch, unreached] = [new CrashWatch(POLICY), { ...APPLIED, unreached: new Set(['chat']) }];
    expect(watch.look(loading, 0, unreached).events).toHaveLength(1);
    expect(watch.look(serving, 100, unreached)).toEqual({ due: ['chat'], events: [] });
  });

  it('forgets a crash that somebody else mended', () => {
    const watch = new CrashWatch(POLICY);
    watch.look(plan('crashed'), 0, APPLIED);
    watch.look(plan('runs'), 50, APPLIED);
    expect(watch.look(plan('runs'), 500, APPLIED).due).toEqual([]);
  });
});
