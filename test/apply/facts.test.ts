import { describe, expect, it } from 'vitest';
import type { Fact } from '../../src/domain/plan.ts';
import { ProblemError } from '../../src/domain/problem.ts';
import { copy, fact, play, statuses, step, type Act } from './scripted.ts';

const fails: Act = () => Promise.reject(new ProblemError({ code: 'engine-refused', summary: 'It gave no token.' }));

describe('what a step relies on is looked at again right before it acts', () => {
  const there = {
    same: copy('chat-1'),
    other: copy('chat-1', { specHash: '2' }),
    foreign: copy('chat-1', { owner: 'foreign', specHash: null }),
    starting: copy('chat-1', { phase: 'starting' }),
  };
  const rules: readonly (readonly [Fact['is'], readonly (keyof typeof there | 'absent')[]])[] = [
    ['absent-or-same', ['absent', 'same', 'starting']],
    ['same-or-absent', ['absent', 'same', 'starting']],
    ['same', ['same', 'starting']],
    ['serving', ['same']],
    ['absent', ['absent']],
  ];

  it.each(rules)('%s holds if it is: %j', async (is, holding) => {
    for (const seen of ['absent', 'same', 'other', 'foreign', 'starting'] as const) {
      const world = seen === 'absent' ? [] : [there[seen]];
      const { result, log } = await play([step('chat.record', [], { relies: [fact('chat-1', is)] })], { there: world });
      expect(result.outcome, seen).toBe(holding.includes(seen) ? 'succeeded' : 'stale');
      if (!holding.includes(seen)) expect(log, seen).toEqual(['finish stale']);
    }
  });

  it('any spec will do where none is named', async () => {
    const { result } = await play([step('chat.stop', [], { relies: [fact('chat-1', 'same', null)] })], { there: [there.other] });
    expect(result.outcome).toBe('succeeded');
  });

  it('a mismatch names the fact, what was expected and what was seen', async () => {
    const { result } = await play([step('chat.stop', [], { relies: [fact('chat-1', 'same')] })], { there: [there.other] });
    expect(result.steps[0]?.problem).toEqual({
      severity: 'error',
      code: 'plan-stale',
      summary:
        'The world is not as planned: chat-1 on local is serving with spec 2. Step chat.stop did not begin; what it would have changed was left as it was.',
      expected: 'there with spec 1',
      fix: 'Plan again: llmops plan',
    });
  });

  it('a stale step beside one that was done makes the run a partial one', async () => {
    const { result } = await play([step('a.start'), step('chat.stop', [], { relies: [fact('chat-1', 'same')] })]);
    expect(result.outcome).toBe('partly');
  });
});

describe('what a step leaves is read back', () => {
  it('an engine that says yes and does nothing is found out, and nothing that waits for it begins', async () => {
    const steps = [step('chat.drain', [], { leaves: [fact('chat-1', 'absent')] }), step('chat.record', ['chat.drain'])];
    const { result, log } = await play(steps, { there: [copy('chat-1')] });
    expect(statuses(result)).toEqual({ 'chat.drain': 'failed', 'chat.record': 'skipped' });
    expect(result.steps[0]?.problem).toMatchObject({ code: 'not-in-force', expected: 'not there' });
    expect(log).toContain('end chat.drain failed');
  });

  it('an engine that takes a moment to show it is given that moment', async () => {
    const late = [copy('chat-1', { phase: 'starting' })];
    const turnsServing: Act = async () => void setTimeout(() => Object.assign(late[0] as object, { phase: 'serving' }), 5);
    const { result } = await play([step('chat.probe', [], { leaves: [fact('chat-1', 'serving')] })], {
      there: late,
      acts: { 'chat.probe': turnsServing },
      options: { patienceMs: 60_000 },
    });
    expect(result.outcome).toBe('succeeded');
  });
});

describe('a new copy that fails its probe', () => {
  const steps = [step('chat.start'), step('chat.probe', ['chat.start']), step('chat.publish', ['chat.probe'])];

  it('is stopped again, in the journal too, and clients are left where they were', async () => {
    const { result, log } = await play(steps, { acts: { 'chat.probe': fails } });
    expect(log.slice(3)).toEqual([
      'begin chat.probe',
      'act chat.probe',
      'begin chat.probe.undo',
      'act chat.probe.undo',
      'end chat.probe.undo done',
      'end chat.probe failed',
      'finish partly',
    ]);
    expect(result.steps[1]?.problem?.summary).toBe(
      'It gave no token. The copy chat-1 was stopped again; clients were left where they were.',
    );
  });

  it('after old before new gives way to what served before, in the journal too', async () => {
    const spec = { id: 'chat-0', stack: 'told', backend: 'local', model: 'chat', specHash: '1', fields: {}, options: {} };
    const restore = { spec: { ...spec, weights: { path: '/w', sha256: '0', bytes: 1 } }, deadlineMs: 60_000 };
    const swap = [step('chat.start', [], { restore } as object), step('chat.probe', ['chat.start'], { restore } as object)];
    const { result, log } = await play(swap, { acts: { 'chat.probe': fails } });
    expect(log.filter((line) => line.includes('restore') || line.startsWith('publish'))).toEqual([
      'begin chat.probe.restore-start',
      'act chat.probe.restore-start',
      'end chat.probe.restore-start done',
      'begin chat.probe.restore-probe',
      'act chat.probe.restore-probe',
      'end chat.probe.restore-probe done',
      'begin chat.probe.restore-publish',
      'publish chat http://127.0.0.1:1',
      'end chat.probe.restore-publish done',
    ]);
    expect(result.steps[1]).toMatchObject({ status: 'failed', restored: { instance: 'chat-0', url: 'http://127.0.0.1:1' } });
  });

  it('is left running where the plan says so', async () => {
    const { log } = await play([step('chat.probe', [], { onFailure: 'leave' } as object)], {
      acts: { 'chat.probe': fails },
      there: [copy('chat-1')],
    });
    expect(log).toEqual(['begin chat.probe', 'act chat.probe', 'end chat.probe failed', 'finish failed']);
  });

  it('is said to run still, if it cannot be stopped', async () => {
    const { result } = await play(steps, { acts: { 'chat.probe': fails, 'chat.probe.undo': fails } });
    expect(result.steps[1]?.problem?.summary).toContain('The copy chat-1 could not be stopped: It gave no token.');
  });

  it('keeps its place if it cannot be stopped: nothing is put back beside it, and that is said', async () => {
    const spec = { id: 'chat-0', stack: 'told', backend: 'local', model: 'chat', specHash: '1', fields: {}, options: {} };
    const restore = { spec: { ...spec, weights: { path: '/w', sha256: '0', bytes: 1 } }, deadlineMs: 60_000 };
    const swap = [step('chat.start', [], { restore } as object), step('chat.probe', ['chat.start'], { restore } as object)];
    const { result, log } = await play(swap, { acts: { 'chat.probe': fails, 'chat.probe.undo': fails } });
    expect(log.filter((line) => line.includes('restore'))).toEqual([]);
    expect(result.steps[1]?.problem?.summary).toContain('What served before was not put back: its place is still taken.');
  });
});

describe('publishing', () => {
  it('sends clients to the address that the instance has now', async () => {
    const { log } = await play([step('chat.publish', [], { relies: [fact('chat-1', 'serving')] })], {
      there: [copy('chat-1', { endpoint: 'http://127.0.0.1:41234' })],
    });
    expect(log).toContain('publish chat http://127.0.0.1:41234');
  });

  it('leaves clients where they are if the instance has no address', async () => {
    const { result, log } = await play([step('chat.publish')], { there: [copy('chat-1', { endpoint: null })] });
    expect(result.steps[0]?.problem?.code).toBe('no-endpoint');
    expect(log).toEqual(['begin chat.publish', 'end chat.publish failed', 'finish failed']);
  });
});
