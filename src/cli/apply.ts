import { ProblemError } from '../domain/problem.ts';
import { carryOut, type ApplyFlags, type Order } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { readPlanFile, sessionOf } from './plan-file.ts';
import { openSession } from '../stack/session.ts';

export interface ApplyVerbFlags extends ApplyFlags {
  readonly supervise?: boolean;
  readonly prefetchOnly?: boolean;
}

/** `llmops apply [plan-file]`: plans, shows, asks, performs; or performs a saved plan exactly. */
export async function run(context: CliContext, flags: ApplyVerbFlags, args: readonly string[]): Promise<number> {
  const [file] = args;
  if (file !== undefined) return applyFile(file, context, flags);
  refuseConflicts(flags);
  const mode = flags.prefetchOnly ? 'prefetch' : 'apply';
  const command = flags.prefetchOnly ? 'llmops apply --prefetch-only' : 'llmops apply';
  const order: Order = { open: () => openSession(context, flags), context, flags, mode, command };
  if (!flags.supervise) return carryOut(order);
  return (await import('./stay.ts')).applyAndStay(order);
}

function refuseConflicts(flags: ApplyVerbFlags): void {
  if (!flags.prefetchOnly || !flags.supervise) return;
  throw new ProblemError({
    code: 'conflicting-flags',
    summary: '--prefetch-only starts nothing, and --supervise stays to restart what runs: only one of them can be meant.',
    fix: 'Leave one of them out.',
  });
}

/** A saved plan is performed as it is, without asking, or refused because the world has moved since. */
async function applyFile(path: string, context: CliContext, flags: ApplyVerbFlags): Promise<number> {
  refusePlanningFlags(path, flags);
  const saved = await readPlanFile(path, context, flags);
  if (!saved) {
    throw new ProblemError({
      code: 'not-a-plan-file',
      summary: `${path} is not a saved plan.`,
      fix: 'To apply a stack file, use -f: llmops apply -f FILE. Plans come from: llmops plan --out FILE',
    });
  }
  const approved = { ...flags, autoApprove: true };
  const { mode } = saved.plan;
  return carryOut({ open: () => sessionOf(saved, context), context, flags: approved, mode, command: `llmops apply ${path}`, saved });
}

function refusePlanningFlags(path: string, flags: ApplyVerbFlags): void {
  const given = [
    ['--target', flags.target],
    ['--replace', flags.replace],
    ['--adopt', flags.adopt],
    ['--allow-destroy', flags.allowDestroy],
    ['--env', flags.env],
    ['--file', flags.file],
    ['--state-dir', flags.stateDir],
    ['--supervise', flags.supervise],
    ['--prefetch-only', flags.prefetchOnly],
  ].flatMap(([flag, value]) => (value === undefined ? [] : [String(flag)]));
  if (given.length === 0) return;
  throw new ProblemError({
    code: 'flags-with-plan-file',
    summary: `A saved plan is applied as it was saved, so ${given.join(' and ')} cannot be given with it. Nothing was changed.`,
    fix: `Leave ${given.length === 1 ? 'it' : 'them'} out, or plan again with ${given.join(' and ')}: llmops plan --out ${path}`,
  });
}
