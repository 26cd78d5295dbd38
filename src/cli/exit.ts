import type { StepResult } from '../domain/generation.ts';
import { hasChanges, type Plan } from '../domain/plan.ts';
import { errorsIn } from '../domain/problem.ts';

/**
 * Exit codes. 0 to 2 mean what fingers expect of `terraform plan -detailed-exitcode`; the typed failures from 3 on are
 * given with that flag only, otherwise every failure is 1.
 */
export const EXIT = {
  ok: 0,
  error: 1,
  changes: 2,
  invalidConfig: 3,
  refused: 4,
  leaseHeld: 5,
  planStale: 6,
  partlyApplied: 7,
  deadline: 9,
} as const;

/** The typed code with `--detailed-exitcode`, else 1. */
export function failure(code: number, detailed: boolean | undefined): number {
  return detailed ? code : EXIT.error;
}

const TYPED: Readonly<Record<string, number>> = {
  'lease-held': EXIT.leaseHeld,
  'plan-stale': EXIT.planStale,
  'mass-delete': EXIT.refused,
  'takeover-delete': EXIT.refused,
  protected: EXIT.refused,
  'not-approved': EXIT.refused,
  'stack-name-taken': EXIT.refused,
};

/** Which typed failure a problem is. */
export function exitCodeOf(problemCode: string): number {
  return TYPED[problemCode] ?? EXIT.error;
}

/** Errors fail a plan, and so do models about which nothing can be done; otherwise 0, or 2 for changes where that was asked for. */
export function planExitCode(plan: Plan, detailed: boolean | undefined): number {
  const errors = errorsIn(plan.problems).map(({ code }) => exitCodeOf(code));
  if (errors.length > 0) return failure(errors.find((code) => code !== EXIT.error) ?? EXIT.error, detailed);
  if (plan.summary.blocked > 0) return EXIT.error;
  const differs = hasChanges(plan) || (plan.mode === 'refresh-only' && plan.drift.length > 0);
  return detailed && differs ? EXIT.changes : EXIT.ok;
}

/** How steps that did not all get done are told: 9 if waiting too long was all that went wrong, 7 if some got done. */
export function undoneExitCode(steps: readonly StepResult[], detailed: boolean | undefined): number {
  const failed = steps.filter(({ status }) => status === 'failed');
  if (failed.length > 0 && failed.every(({ problem }) => problem?.code === 'deadline-passed')) return failure(EXIT.deadline, detailed);
  return failure(steps.some(({ status }) => status === 'done') ? EXIT.partlyApplied : EXIT.error, detailed);
}
