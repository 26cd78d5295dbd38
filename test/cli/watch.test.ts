import { describe, expect, it } from 'vitest';
import { CrashWatch } from '../../src/cli/watch.ts';
import type { Plan } from '../../src/domain/plan.ts';

const POLICY = { firstMs: 100, factor: 2, capMs: 300, giveUpAfter: 3, healthyMs: 10_000 };

/** A plan for one model that runs, has crashed, or has crashed while somebody wants another setting of it. */
function plan(state: 'runs' | 'crashed' | 'crashed-and-changed'): Plan {
  const drift = state === 'runs' ? [] : [{ model: 'chat', reason: 'crashed', detail: 'chat crashed.' }];
  return {
    drift,
    changes: [{ model: 'chat', action: state === 'runs' ? 'keep' : 'create', correctsDrift: state === 'crashed' }],
  } as unknown as Plan;
}

describe('Supervision', () => {
  it('waits longer after each crash, up to a cap, and gives up in the end', () => {
    const watch = new CrashWatch(POLICY);
    let now = 0;
    const said: unknown[] = [];
    for (let crash = 0; crash < 4; crash += 1) {
      watch.look(plan('runs'), now);
      const [event] = watch.look(plan('crashed'), now).events;
      said.push(event?.type === 'waiting' ? event.inMs : event?.type);
      now += 1000;
      if (event?.type === 'waiting') watch.started(watch.look(plan('crashed'), now).due, now);
    }
    expect(said).toEqual([100, 200, 300, 'gave-up']);
    expect(watch.look(plan('crashed'), now + 1e9).due).toEqual([]);
  });

  it('starts nothing before the pause is over, and says a crash once', () => {
    const watch = new CrashWatch(POLICY);
    watch.look(plan('runs'), 0);
    expect(watch.look(plan('crashed'), 0).events).toHaveLength(1);
    expect(watch.look(plan('crashed'), 99)).toEqual({ due: [], events: [] });
    expect(watch.look(plan('crashed'), 100)).toEqual({ due: ['chat'], events: [] });
  });

  it('counts anew after a copy that ran for long', () => {
    const watch = new CrashWatch(POLICY);
    for (let crash = 0; crash < 5; crash += 1) {
      const now = crash * 20_000;
      const [event] = watch.look(plan('crashed'), now).events;
      if (crash > 0) expect(event).toMatchObject({ type: 'waiting', inMs: 100 });
      watch.started(['chat'], now);
    }
  });

  it('leaves alone what somebody wants changed: that is an apply, not a restart', () => {
    const watch = new CrashWatch(POLICY);
    expect(watch.look(plan('crashed-and-changed'), 0)).toEqual({ due: [], events: [] });
  });

  it('forgets a crash that somebody else mended', () => {
    const watch = new CrashWatch(POLICY);
    watch.look(plan('crashed'), 0);
    watch.look(plan('runs'), 50);
    expect(watch.look(plan('runs'), 500).due).toEqual([]);
  });
});
