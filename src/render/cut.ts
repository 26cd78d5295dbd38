import type { StepResult } from '../domain/generation.ts';
import { counted } from './format/units.ts';

/** "2 requests cut"; null: as far as anybody told, none was. A copy that did not end after all goes on with what it has. */
export function cutWords(steps: readonly StepResult[]): string | null {
  const ended = new Set(steps.filter(({ op, status }) => op === 'stop' && status === 'done').map(({ instance }) => instance));
  const cut = steps.reduce((sum, step) => sum + (ended.has(step.instance) ? (step.cut ?? 0) : 0), 0);
  return cut === 0 ? null : `${counted(cut, 'request')} cut`;
}
