import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { canApply, hasChanges, type Plan } from '../domain/plan.ts';
import { errorsIn, ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT, exitCodeOf, failure } from './exit.ts';
import { savePlan } from './plan-file.ts';
import { print, printJson, screenOf } from './screen.ts';
import { openSession, type Session } from './session.ts';
import { readSnapshot } from './snapshot.ts';
import { planFor, survey, type PlanFlags, type Survey } from './survey.ts';
import { progressNote } from './progress-note.ts';

export interface PlanVerbFlags extends StackFlags, PlanFlags {
  readonly out?: string;
  readonly json?: boolean;
  readonly jsonInto?: string;
  readonly format: 'text' | 'json' | 'markdown';
  readonly refreshOnly?: boolean;
  readonly destroy?: boolean;
  readonly against?: string;
  readonly concise?: boolean;
  readonly detailedExitcode?: boolean;
  readonly observeTimeout: number;
}

/** `llmops plan`: looks, decides, shows; changes nothing. */
export async function run(context: CliContext, flags: PlanVerbFlags): Promise<number> {
  const session = await openSession(context, flags);
  const seen = await see(session, context, flags);
  const mode = flags.destroy ? 'destroy' : flags.refreshOnly ? 'refresh-only' : 'apply';
  const plan = await planFor(session, seen, mode, flags);
  await show(plan, context, flags);
  if (flags.out) await save(plan, session, seen, context, flags);
  return exitCode(plan, flags.detailedExitcode);
}

/** Live engines, or a snapshot of them. */
async function see(session: Session, context: CliContext, flags: PlanVerbFlags): Promise<Survey> {
  const note = progressNote(context);
  try {
    if (flags.against) return await readSnapshot(flags.against, session, context);
    return await survey(session, context, { observeTimeout: flags.observeTimeout, progress: note.show });
  } finally {
    note.clear();
  }
}

async function show(plan: Plan, context: CliContext, flags: PlanVerbFlags): Promise<void> {
  const { planDocument, renderPlanMarkdown, renderPlanText } = await import('../render/index.ts');
  const format = flags.json ? 'json' : flags.format;
  if (flags.jsonInto) await writeFile(resolve(context.cwd, flags.jsonInto), `${JSON.stringify(planDocument(plan))}\n`);
  if (format === 'json') return printJson(context.stdout, planDocument(plan));
  if (format === 'markdown') return print(context.stdout, renderPlanMarkdown(plan));
  const screen = screenOf(context.stdout, context, flags);
  await print(context.stdout, renderPlanText(plan, { ...screen, now: context.now(), ...(flags.concise === undefined ? {} : { concise: flags.concise }) }));
}

async function save(plan: Plan, session: Session, seen: Survey, context: CliContext, flags: PlanVerbFlags): Promise<void> {
  const out = flags.out as string;
  if (errorsIn(plan.problems).length > 0) {
    await print(context.stderr, `Not saved: a plan with errors cannot be applied.`);
    return;
  }
  if (flags.against) {
    throw new ProblemError({ code: 'plan-against-snapshot', summary: 'A plan against a snapshot cannot be saved for apply: it was not made from the live engines.', fix: 'Leave out --out, or --against.' });
  }
  await savePlan(
    out,
    {
      kind: 'llmops-plan',
      formatVersion: '1.0',
      savedAt: context.now(),
      baseDir: session.paths.baseDir,
      file: session.paths.file,
      stateDir: session.stateDir,
      text: session.text,
      desired: session.desired,
      artifacts: seen.artifacts,
      flags: { replace: flags.replace ?? [], allowDestroy: flags.allowDestroy ?? false },
      plan,
    },
    context,
  );
  if (!flags.json && flags.format === 'text') {
    const next = canApply(plan) ? `Apply exactly this: llmops apply ${out}` : 'There is nothing in it to apply.';
    await print(context.stdout, `\nSaved ${out}. Each step checks again what it relied on. ${next}`);
  }
}

/** Errors in a plan fail it; otherwise 0, or 2 for changes where that was asked for. */
export function exitCode(plan: Plan, detailed: boolean | undefined): number {
  const [first] = errorsIn(plan.problems);
  if (first) return failure(exitCodeOf(first.code), detailed);
  const differs = hasChanges(plan) || (plan.mode === 'refresh-only' && plan.drift.length > 0);
  return detailed && differs ? EXIT.changes : EXIT.ok;
}
