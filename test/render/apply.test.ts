import { describe, expect, it } from 'vitest';
import type { StepResult } from '../../src/domain/generation.ts';
import { renderApplyResult } from '../../src/render/index.ts';

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
