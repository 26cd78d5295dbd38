import { describe, expect, it } from 'vitest';
import { Pace, type Decision } from '../../src/daemon/pace.ts';
import { heeding, tellPaced } from '../../src/daemon/telling.ts';
import { NO_HOLDS } from '../../src/domain/holds.ts';
import type { Change, Plan } from '../../src/domain/plan.ts';
import { appliedOf, moved, planOf } from './plans.ts';

const at = (ms: number) => ({ ms, iso: new Date(ms).toISOString() });
const NONE = new Set<string>();
const said = ({ events }: Decision): readonly string[] => events.map((event) => tellPaced(event, false).message);
const look = (plan: Plan, suspended: ReadonlySet<string> = NONE): Decision => new Pace().look(plan, at(0), appliedOf('chat'), suspended);

const crashed = planOf({ chat: 'create' }, [moved('chat', { reason: 'crashed', field: null, detail: 'It ended by itself.' })]);
const drifted = planOf({ chat: { action: 'update', correctsDrift: true } }, [
  moved('chat', { detail: 'context is 999 and should be 256.' }),
]);

describe('What is told of a model', () => {
  it('that is suspended says that it is left, and how to end that', () => {
    const left = 'It is left as it is, because it is suspended. To end that: llmops resume chat';
    expect(said(look(crashed, new Set(['chat'])))).toEqual([`chat: It ended by itself. ${left}`]);
    expect(said(look(drifted, new Set(['chat'])))).toEqual([`chat: context is 999 and should be 256. ${left}`]);
    expect(look(crashed, new Set(['chat'])).asleep).toEqual(['chat']);
  });

  it('of a stack that is suspended is that it ended, once', () => {
    const pace = new Pace();
    const watch = (ms: number) => pace.watch(crashed, at(ms), appliedOf('chat')).map((event) => tellPaced(event, false).message);
    expect(watch(0)).toEqual(['chat: It ended by itself. It is left as it is, because the stack is suspended. To end that: llmops resume']);
    expect([...watch(1000), ...watch(600_000)]).toEqual([]);
  });

  it('that is put right is what it is about, also where no setting moved', () => {
    const unloaded = planOf({ chat: { action: 'update', correctsDrift: true, cause: 'chat is on the server and not in memory' } });
    expect(said(look(unloaded))).toEqual(['chat is on the server and not in memory. It is put right.']);
  });

  it('that two managers fight about is not that it is put right', () => {
    const pace = new Pace();
    for (let n = 0; n < 3; n += 1) {
      expect(said(pace.look(drifted, at(n), appliedOf('chat'), NONE)).join()).not.toContain('left');
      pace.acted(['chat'], drifted, at(n));
      pace.look(planOf({ chat: 'keep' }), at(n), appliedOf('chat'), NONE);
    }
    const last = pace.look(drifted, at(3), appliedOf('chat'), NONE);
    expect(said(last)).toEqual([
      'chat: context is 999 and should be 256. It is left as it is, because somebody else changes it back each time.',
      expect.stringMatching(/^chat: somebody else changes context as well\. It was put right 3 times/),
    ]);
    expect(last.held).toMatchObject([{ model: 'chat', field: 'context' }]);
  });

  it('names a setting that cannot be had here, and blames no policy', () => {
    const gpu = planOf({ chat: 'keep' }, [
      moved('chat', { field: 'offload.gpuLayers', reason: 'unfulfilled', policy: 'warn', detail: 'It is 0.' }),
    ]);
    expect(said(look(gpu))).toEqual(['chat: It is 0. It cannot be had here, so it is left; a restart would change nothing.']);
  });

  it('names it once', () => {
    const blocked = (summary: string): Partial<Change> => ({
      action: 'blocked',
      problem: { severity: 'error', code: 'weights-not-found', summary, fix: 'Fetch it.' },
    });
    const pace = new Pace();
    const plan = planOf({ chat: blocked('chat is left as it is: its weights are gone.') });
    pace.look(plan, at(0), appliedOf('chat'), NONE);
    const later = pace.look(plan, at(10_000), appliedOf('chat'), NONE);
    expect(said(later)).toEqual(['chat is left as it is: its weights are gone. Fetch it.']);
    expect(later.blocked).toMatchObject([{ model: 'chat', code: 'weights-not-found' }]);
  });

  it('that failed when it was started says how', () => {
    const failedBefore = {
      generation: 3,
      at: '2026-03-08T12:00:00.000Z',
      code: 'engine-failed',
      summary: 'unknown argument --no-such-flag',
    };
    const problem = { severity: 'error', code: 'failed-before', summary: 'It is not tried again.' } as const;
    const { blocked } = look(planOf({ chat: { action: 'blocked', problem, failedBefore } }));
    expect(blocked[0]?.summary).toBe('It is not tried again. It failed so: unknown argument --no-such-flag');
  });
});

it('A release that was rolled back and is found again is not said to be followed', () => {
  const found = {
    type: 'revision.found',
    revision: '2efae455cd5a',
    commit: null,
    subject: null,
    message: 'Release 2efae455cd5a is followed.',
  } as const;
  const bad = {
    by: 'alice@lab',
    at: '2026-03-08T12:00:00Z',
    why: 'answers in French.',
    release: found.revision,
    commit: null,
    generation: 4,
  };
  expect(heeding(found, NO_HOLDS)).toBe(found);
  expect(heeding(found, { ...NO_HOLDS, quarantined: [bad] }).message).toBe(
    'Release 2efae455cd5a is there again, and not applied: it was rolled back by alice@lab: answers in French. To lift that: llmops resume',
  );
});
