import { ProblemError } from '../domain/problem.ts';
import type { CliContext } from './context.ts';
import { carryOut, type ApplyFlags, type Order } from './carry-out.ts';
import { EXIT } from './exit.ts';
import { readPlanFile, sessionOf } from './plan-file.ts';
import { openSession } from './session.ts';

/** `llmops apply [plan-file]`: plans, shows, asks, performs; or performs a saved plan exactly. */
export async function run(context: CliContext, flags: ApplyFlags & { readonly supervise?: boolean }, args: readonly string[]): Promise<number> {
  const [file] = args;
  if (file !== undefined) return applyFile(file, context, flags);
  const session = await openSession(context, flags);
  const order: Order = { session, context, flags, mode: 'apply', command: 'llmops apply' };
  const code = await carryOut(order);
  if (!flags.supervise || code !== EXIT.ok) return code;
  const { supervise } = await import('./supervise.ts');
  return supervise(order);
}

/** A saved plan is performed as it is, without asking, or refused because the world has moved since. */
async function applyFile(path: string, context: CliContext, flags: ApplyFlags): Promise<number> {
  if (flags.target || flags.replace || flags.allowDestroy || flags.env) {
    throw new ProblemError({ code: 'flags-with-plan-file', summary: 'A saved plan takes no planning flags: it is applied as it was saved.', fix: `Leave them out, or plan again with them: llmops plan --out ${path}` });
  }
  const saved = await readPlanFile(path, context);
  if (!saved) {
    throw new ProblemError({ code: 'not-a-plan-file', summary: `${path} is not a saved plan.`, fix: 'To apply a stack file, use -f: llmops apply -f FILE. Plans come from: llmops plan --out FILE' });
  }
  const session = await sessionOf(saved, context);
  return carryOut({ session, context, flags: { ...flags, autoApprove: true }, mode: saved.plan.mode, command: `llmops apply ${path}`, saved });
}
