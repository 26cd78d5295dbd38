import { describe, expect, test } from 'vitest';
import { renderApplyResult, renderNothingDone, renderPlanText } from '../../src/render/index.ts';
import { blocked, create, plan, remove, step } from './plans.ts';
import { FAILED, result } from './worlds.ts';

const NARROW = { color: false, width: 80 };
const file = (name: string): string => `./cases/left-${name}.80.txt`;

const counts = { create: 0, update: 0, replace: 0, delete: 0, keep: 0, blocked: 0, correctsDrift: 0 };
const stuck = blocked();
const twice = blocked({
  model: 'embed',
  others: [{ severity: 'error', code: 'attachment-unusable', summary: 'Its chat template is not there.', fix: 'put it there' }],
});
const MASS = {
  severity: 'error',
  code: 'mass-delete',
  summary: 'This plan deletes 3 of 4 models: that is more than 30 %.',
  fix: 'If that is meant: `llmops apply --allow-destroy`.',
} as const;

/** The last line: where people look for what to type. */
const last = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

describe('An apply that left something undone ends with what, why, and what to type', () => {
  const some = plan({ changes: [create(), stuck], summary: { ...counts, create: 1, blocked: 1 } });

  test('because a model is blocked, beside one that was done', async () => {
    const steps = [result('chat.start'), result('chat.publish', { url: 'http://127.0.0.1:41595' })];
    const told = renderApplyResult({ outcome: 'partly', generation: 42, steps, problems: [], ms: 62_000 }, { ...NARROW, plan: some });
    await expect(told).toMatchFileSnapshot(file('partly'));
    expect(last(told)).toMatch(/^Next: /);
  });

  test('because a model is blocked and another one failed', async () => {
    const steps = [result('chat.start'), FAILED];
    const told = renderApplyResult({ outcome: 'partly', generation: 42, steps, problems: [], ms: 62_000 }, { ...NARROW, plan: some });
    await expect(told).toMatchFileSnapshot(file('failed'));
  });

  test('because all that there is to do is blocked', async () => {
    const told = renderNothingDone(plan({ changes: [stuck, twice], summary: { ...counts, blocked: 2 } }), NARROW);
    await expect(told).toMatchFileSnapshot(file('blocked'));
    expect(last(told)).toMatch(/^Next: /);
  });

  test('because a guard refuses the whole plan', async () => {
    const stop = step('chat', { op: 'stop', specHash: null, process: null });
    const refused = plan({ changes: [remove()], steps: [stop], problems: [MASS], summary: { ...counts, delete: 3 } });
    const told = renderNothingDone(refused, NARROW);
    await expect(told).toMatchFileSnapshot(file('refused'));
    expect(last(told)).toBe('Next: If that is meant: `llmops apply --allow-destroy`.');
    expect(last(renderPlanText(refused, NARROW))).toMatch(/^Refused: /);
  });

  test('and says nothing where nothing stood in the way', () => {
    expect(renderNothingDone(plan({ changes: [], steps: [] }), NARROW)).toBe('');
  });
});

test('a blocked model tells all that stands in its way, and what waits tells for whom', () => {
  const text = renderPlanText(plan({ changes: [create({ waits: 'for old to end, which holds port 8081' }), twice] }), NARROW);
  expect(text).toContain('waits      for old to end, which holds port 8081');
  expect(text.match(/ x problem /g)).toHaveLength(2);
  expect(text).toContain('fix        put it there');
});
