import { describe, expect, it } from 'vitest';
import type { StepResult } from '../../src/domain/generation.ts';
import { renderApplyResult, renderEventLine } from '../../src/render/index.ts';

const result = (model: string, op: StepResult['op'], told: Partial<StepResult>): StepResult => ({
  step: `${model}.${op}`,
  op,
  model,
  backend: 'one',
  instance: `${model}-0`,
  cause: 'model',
  status: 'cancelled',
  problem: null,
  because: null,
  startedAt: null,
  ms: 0,
  ...told,
});

/** What stands under `What is not`. */
function left(steps: readonly StepResult[]): readonly string[] {
  const lines = renderApplyResult({ outcome: 'cancelled', generation: 1, steps, problems: [], ms: 1 }, { color: false, width: 120 }).split(
    '\n',
  );
  const begin = lines.indexOf('What is not') + 1;
  return lines.slice(begin, lines.indexOf('', begin));
}

/** A start that was told to stop before it began, and the steps that wait for it. */
const chain = (model: string): readonly StepResult[] => [
  result(model, 'start', { because: 'the run was told to stop before it began' }),
  result(model, 'probe', { because: `start ${model} was cancelled` }),
  result(model, 'publish', { because: `probe ${model} was cancelled` }),
];

describe('What is not done', () => {
  it('after a cancel is a line a model, with the reason of the first step, as it explains the rest', () => {
    expect(left([...chain('chat'), ...chain('embed')])).toEqual([
      '  - chat   start, probe, publish: cancelled: the run was told to stop before it began',
      '  - embed  start, probe, publish: cancelled: the run was told to stop before it began',
    ]);
  });

  it('names each failure on its own, first, and under it in a line what was skipped for it', () => {
    const problem = { severity: 'error', code: 'probe-failed', summary: 'It said nothing.', fix: 'Read its log.' } as const;
    const skipped = (['publish', 'drain', 'stop'] as const).map((op) =>
      result('chat', op, { status: 'skipped', because: 'probe chat failed' }),
    );
    expect(left([...chain('embed'), ...skipped, result('chat', 'probe', { status: 'failed', problem })])).toEqual([
      '  ✗ chat   probe: It said nothing. [probe-failed]',
      '           fix: Read its log.',
      '  - embed  start, probe, publish: cancelled: the run was told to stop before it began',
      '  - chat   publish, drain, stop: skipped: probe chat failed',
    ]);
  });

  it('of very many models says how many models more', () => {
    const lines = left(Array.from({ length: 100 }, (_, index) => chain(`m${index}`)).flat());
    expect(lines).toHaveLength(41);
    expect(lines.at(-1)).toBe('  … and 60 models more');
  });
});

describe('Requests that were cut', () => {
  const drain = result('chat', 'drain', { status: 'done', cut: 2, note: 'deadline passed, 2 requests are cut' });
  const told = (stop: Partial<StepResult>, outcome: 'succeeded' | 'partly') =>
    renderApplyResult(
      { outcome, generation: 7, steps: [drain, result('chat', 'stop', stop)], problems: [], ms: 4500 },
      { color: false, width: 120 },
    );

  it('are counted in the first line', () => {
    expect(told({ status: 'done' }, 'succeeded')).toContain('Done in 4.5 s: 2 steps, 2 requests cut. Generation 7.');
  });

  it('are not, where the copy did not end: it goes on with them', () => {
    expect(told({ status: 'failed' }, 'partly')).not.toContain('cut.');
  });

  it('stand in the line of the step', () => {
    const event = {
      type: 'step.done',
      at: '2026-01-01T10:00:00Z',
      run: 'r',
      step: 'chat.drain',
      op: 'drain',
      model: 'chat',
      ms: 4500,
    } as const;
    expect(renderEventLine({ ...event, note: 'deadline passed, 2 requests are cut' }, { color: false, width: 80 })).toBe(
      '10:00:00 ✓ drain chat, 4.5 s: deadline passed, 2 requests are cut',
    );
  });
});

describe('What to type next', () => {
  const next = (...steps: readonly StepResult[]) =>
    /^Next: +(.*)$/m.exec(
      renderApplyResult({ outcome: 'partly', generation: 1, steps, problems: [], ms: 1 }, { color: false, width: 200 }),
    )?.[1];
  const failing = (code: string, more = {}) =>
    result('chat', 'probe', { status: 'failed', problem: { severity: 'error', code, summary: 'It would not.', fix: 'Mend it.', ...more } });

  it('after a copy that did not come up is to read what it said', () => {
    expect(next(failing('engine-ended', { details: ['the end'] }))).toMatch(/^`llmops logs --failed chat` /);
  });

  it('after one that keeps no log is to mend that: the same file would fail the same way', () => {
    expect(next(failing('engine-ended'))).toBe('`llmops apply`, once what failed is mended.');
  });

  it('after one that failed for what is around it is to apply again', () => {
    expect(next(failing('state-not-writable', { details: ['the end'] }))).toContain('`llmops apply` does it');
  });
});

/** The sentences between the table and the next command. */
function fate(steps: readonly StepResult[]): string {
  const text = renderApplyResult({ outcome: 'cancelled', generation: 1, steps, problems: [], ms: 1 }, { color: false, width: 200 });
  return text.split('\n').find((line) => /^chat[ :]/.test(line)) ?? '';
}

describe('What became of a model between two copies', () => {
  const did = (...ops: readonly StepResult['op'][]) => ops.map((op) => result('chat', op, { status: 'done' }));
  const rest = (...ops: readonly StepResult['op'][]) => ops.map((op) => result('chat', op, { because: 'the run was told to stop' }));
  const back = { restored: { instance: 'chat-0', url: 'http://127.0.0.1:1' } };

  it('that kept its old copy is not called down, and nothing counts as done to it', () => {
    const steps = [...did('withdraw'), result('chat', 'drain', { because: 'told to stop', ...back }), ...rest('stop', 'start', 'publish')];
    expect(fate(steps)).toBe('chat: its old copy goes on serving, and clients are sent to it again.');
    expect(renderApplyResult({ outcome: 'cancelled', generation: 1, steps, problems: [], ms: 1 }, { color: false, width: 80 })).toContain(
      'Nothing was changed.',
    );
  });

  it('that was given its old copy back before the new one began says so', () => {
    const start = result('chat', 'start', { because: 'embed.stop was cancelled', ...back });
    expect(fate([...did('withdraw', 'drain', 'stop'), start, ...rest('probe', 'publish')])).toBe(
      'chat: put back to what served before; the new one was not started.',
    );
  });

  it.each([
    ['the new one was left loading', did('withdraw', 'stop', 'start'), rest('probe', 'publish')],
    ['the new one was not started', did('withdraw', 'stop'), rest('start', 'probe', 'publish')],
    ['the new one answers, and clients are not sent to it', did('withdraw', 'stop', 'start', 'probe'), rest('publish')],
  ])('that is down is told by how far it got: %s', (words, done, undone) => {
    expect(fate([...done, ...undone])).toMatch(new RegExp(`^chat is DOWN: its old copy was stopped.* ${words}: the run was told to stop`));
  });
});
