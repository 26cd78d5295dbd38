import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/domain/plan.ts';
import { ProblemError } from '../../src/domain/problem.ts';
import { copy, play, statuses, step, type Act } from './scripted.ts';

const weights = { ...step('chat.drain'), id: 'chat.fetch', op: 'fetch', origin: { kind: 'https', url: 'https://x/y' }, files: [] } as Step;
/** Old before new of one model, its weights first, and another model that has nothing to do with it. */
const steps = [
  weights,
  step('chat.drain', ['chat.fetch']),
  step('chat.stop', ['chat.drain']),
  step('chat.start', ['chat.stop']),
  step('embed.start'),
];
const there = [copy('chat-1')];
const fine: Act = async () => undefined;
const only = (log: readonly string[], model: string) => log.filter((line) => line.includes(model) && !line.startsWith('end'));

describe('What a start needs', () => {
  it('is made sure of once, before the first step that touches anything for it', async () => {
    const { log } = await play(steps, { there, prepare: fine });
    expect(only(log, 'chat')).toEqual([
      'begin chat.fetch',
      'act chat.fetch',
      'prepare chat.start',
      'begin chat.drain',
      'act chat.drain',
      'begin chat.stop',
      'act chat.stop',
      'begin chat.start',
      'act chat.start',
    ]);
  });

  it('and is not there: nothing of that model begins, and others are not kept from theirs', async () => {
    const prepare: Act = async ({ model }) => {
      if (model === 'chat') throw new ProblemError({ code: 'secret-unavailable', summary: 'There is no key.' });
    };
    const { log, result } = await play(steps, { there, prepare });
    expect(only(log, 'chat').slice(2)).toEqual(['prepare chat.start']);
    expect(statuses(result)).toEqual({
      'chat.fetch': 'done',
      'chat.drain': 'failed',
      'chat.stop': 'skipped',
      'chat.start': 'skipped',
      'embed.start': 'done',
    });
    expect(result.steps[1]?.problem?.code).toBe('secret-unavailable');
  });

  it('and is waited for when the run is told to stop: it is cancelled, and nothing was touched', async () => {
    const stop = new AbortController();
    const prepare: Act = (_, { signal }) =>
      new Promise((_done, fail) => {
        signal.addEventListener('abort', () => fail(new Error('ended')));
        stop.abort();
      });
    const { log, result } = await play(steps.slice(0, 4), { there, prepare, options: { signal: stop.signal } });
    expect(only(log, 'chat').slice(2)).toEqual(['prepare chat.start']);
    expect(Object.values(statuses(result))).toEqual(['done', 'cancelled', 'cancelled', 'cancelled']);
    expect(result.steps.map(({ because }) => because).slice(1)).toEqual([
      'the run was told to stop before it began',
      'chat.drain was cancelled',
      'chat.stop was cancelled',
    ]);
  });

  it.each([
    ['its deadline', () => undefined, 'failed'],
    ['the run is told to stop', (stop: AbortController) => stop.abort(), 'cancelled'],
  ] as const)('and never comes, as from a disk that hangs, is waited for until %s: the run ends', async (_, then, status) => {
    const stop = new AbortController();
    const prepare: Act = (_step, { progress }) => {
      progress('fetching the key');
      then(stop);
      return new Promise(() => undefined);
    };
    const soon = steps.slice(0, 4).map((one) => (one.op === 'start' ? { ...one, deadlineMs: 10 } : one));
    const { log, result } = await play(soon, { there, prepare, options: { signal: stop.signal, graceMs: 10 } });
    expect(only(log, 'chat').slice(2)).toEqual(['prepare chat.start']);
    expect(statuses(result)).toMatchObject({ 'chat.fetch': 'done', 'chat.drain': status });
    if (status === 'failed') expect(result.steps[1]?.problem?.summary).toContain('It was waiting for: fetching the key.');
    expect(log.at(-1)).toMatch(/^finish/);
  });
});
