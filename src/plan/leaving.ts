import type { ObservedInstance } from '../domain/observed.ts';
import { modelOf, type Course, type Removal } from './verdict.ts';

/** A copy that the plan ends. */
export interface Leaving {
  readonly copy: ObservedInstance;
  /** Tells its steps from those of its successor: `chat.stop-old`. */
  readonly suffix: string;
}

/**
 * The copies that end, in the order in which they do: one model's stops form a chain, so that the last one stands for
 * the memory of all.
 */
export function leaving(verdict: Course | Removal): Leaving[] {
  if (verdict.kind === 'remove') return verdict.copies.map((copy, index) => ({ copy, suffix: numbered('', index) }));
  const { id } = verdict.wish.spec;
  const twinsFirst = [...verdict.others].sort((a, b) => Number(b.id === id) - Number(a.id === id));
  const others = twinsFirst.map((copy, index) => ({ copy, suffix: numbered('-old', index) }));
  return verdict.need === 'restart' && verdict.target !== null ? [...others, { copy: verdict.target, suffix: '' }] : others;
}

/** The step after which all leaving copies are gone; null if none leaves. */
export function lastStop(verdict: Course | Removal): string | null {
  const last = leaving(verdict).at(-1);
  return last === undefined ? null : stepId(modelOf(verdict), `stop${last.suffix}`);
}

/** `chat.stop-old`. */
export function stepId(model: string, name: string): string {
  return `${model}.${name}`;
}

/** The models that steps belong to, each once. */
export function modelsOf(steps: readonly string[]): string[] {
  return [...new Set(steps.map((step) => step.slice(0, step.lastIndexOf('.'))))];
}

function numbered(suffix: string, index: number): string {
  return index === 0 ? suffix : `${suffix}-${index + 1}`;
}
