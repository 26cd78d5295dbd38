import { askStatus } from '../control/client.ts';
import { canApply, type Plan } from '../domain/plan.ts';
import { errorsIn, ProblemError } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { planExitCode } from './exit.ts';
import { pathIn } from '../stack/paths.ts';
import { savePlan } from './plan-file.ts';
import { print, printJson, say, screenOf, shellWord } from './screen.ts';
import { openSession, type Session } from '../stack/session.ts';
import { readSnapshot } from './snapshot.ts';
import { planFor, survey, type PlanFlags, type Survey } from '../stack/survey.ts';
import { writeResult } from './write-file.ts';

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

type Seen = Omit<Survey, 'drivers'>;

/** `llmops plan`: looks, decides, shows; changes nothing. */
export async function run(context: CliContext, flags: PlanVerbFlags): Promise<number> {
  refuseConflicts(flags);
  const session = await openSession(context, flags);
  const seen = await see(session, context, flags);
  const mode = flags.destroy ? 'destroy' : flags.refreshOnly ? 'refresh-only' : 'apply';
  const plan = await planFor(session, seen, mode, flags);
  if (mode === 'apply' && flags.against === undefined) await noteOfBranch(session, context);
  await show(plan, context, flags);
  if (flags.out !== undefined) await save(flags.out, { plan, session, seen, context, flags });
  return planExitCode(plan, flags.detailedExitcode);
}

/** A daemon that follows a branch works towards its commit, and not towards the file that this plan is about. */
async function noteOfBranch({ stateDir, paths }: Session, context: CliContext): Promise<void> {
  const picture = await askStatus(stateDir);
  if (picture === null || picture.newest === null || picture.newest.commit === null) return;
  const followed = `The daemon (pid ${picture.pid}) follows ${picture.follows}, now at ${picture.newest.commit.slice(0, 7)}`;
  await say(context.stderr, `${followed}; this plan is about ${paths.shown} as it lies here.`);
}

function refuseConflicts(flags: PlanVerbFlags): void {
  if (flags.refreshOnly && flags.destroy) {
    throw new ProblemError({
      code: 'conflicting-flags',
      summary: '--refresh-only looks and --destroy removes: only one of them can be meant.',
      fix: 'Leave one of them out.',
    });
  }
  if (flags.against !== undefined && flags.out !== undefined) {
    throw new ProblemError({
      code: 'plan-against-snapshot',
      summary: 'A plan against a snapshot cannot be saved for apply: it is not made from the live engines.',
      fix: 'Leave out --out, or --against.',
    });
  }
}

/** Live engines, or a snapshot of them. */
async function see(session: Session, context: CliContext, flags: PlanVerbFlags): Promise<Seen> {
  if (flags.against === undefined) return survey(session, context, flags.observeTimeout);
  const [seen, takenAt] = await readSnapshot(flags.against, session, context, flags);
  await say(context.stderr, `Planned against ${flags.against}, taken ${takenAt}: no engine was asked.`);
  return seen;
}

async function show(plan: Plan, context: CliContext, flags: PlanVerbFlags): Promise<void> {
  const { planDocument, renderPlanMarkdown, renderPlanText } = await import('../render/index.ts');
  const format = flags.json ? 'json' : flags.format;
  if (flags.jsonInto !== undefined) {
    await writeResult(pathIn(context, flags, flags.jsonInto), `${JSON.stringify(planDocument(plan))}\n`, '--json-into');
  }
  if (format === 'json') return printJson(context.stdout, planDocument(plan));
  if (format === 'markdown') return print(context.stdout, renderPlanMarkdown(plan));
  const looks = { ...screenOf(context.stdout, context, flags), now: context.now() };
  await print(context.stdout, renderPlanText(plan, flags.concise === undefined ? looks : { ...looks, concise: flags.concise }));
}

interface Saving {
  readonly plan: Plan;
  readonly session: Session;
  readonly seen: Seen;
  readonly context: CliContext;
  readonly flags: PlanVerbFlags;
}

async function save(out: string, { plan, session, seen, context, flags }: Saving): Promise<void> {
  if (errorsIn(plan.problems).length > 0) return print(context.stderr, 'Not saved: a plan with errors cannot be applied.');
  const { paths, text, desired, stateDir } = session;
  await savePlan(pathIn(context, flags, out), {
    kind: 'llmops-plan',
    formatVersion: '1.0',
    savedAt: context.now(),
    baseDir: paths.baseDir,
    file: paths.file,
    stateDir,
    text,
    desired,
    artifacts: seen.artifacts,
    flags: { replace: flags.replace ?? [], allowDestroy: flags.allowDestroy ?? false, ...(flags.adopt ? { adopt: true } : {}) },
    plan,
  });
  if (flags.json || flags.format !== 'text') return;
  const folder = flags.chdir === undefined ? '' : `-C ${shellWord(flags.chdir)} `;
  const next = canApply(plan) ? `Apply exactly this: llmops ${folder}apply ${shellWord(out)}` : 'There is nothing in it to apply.';
  await say(context.stdout, `\nSaved ${shellWord(out)}. Each step checks again what it relied on. ${next}`);
}
