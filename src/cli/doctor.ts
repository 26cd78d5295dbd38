import { errorsIn, problemOf } from '../domain/problem.ts';
import type { CliContext, StackFlags } from './context.ts';
import { finding, inGroup, renderChecks, type Check, type Finding } from './doctor/check.ts';
import { checkFolder } from './doctor/folders.ts';
import { checkMachine } from './doctor/machine.ts';
import { checkProgram } from './doctor/program.ts';
import { EXIT } from './exit.ts';
import { cacheDirOf, stackPaths, stateDirOf } from '../stack/paths.ts';
import { readStack, type ReadStack } from '../stack/read-stack.ts';
import { print, printJson, screenOf } from './screen.ts';
import { openSession } from '../stack/session.ts';

/** For each program that is asked what it is. */
const DEADLINE_MS = 5000;

/**
 * `llmops doctor`: looks at everything that llmops relies on and says how to mend what is wrong. Changes nothing
 * but the cache of digests, and prints no value of an environment variable. 1 if anything fails.
 */
export async function run(context: CliContext, flags: StackFlags & { readonly json?: boolean }): Promise<number> {
  const stack = await lookAtFile(context, flags);
  // Without a stack the embedded engine is what the first one will probably use.
  const embedded = stack.read?.desired ? stack.read.desired.backends.some((spec) => spec.type === 'embedded') : stack.read === null;
  const [machine, folders, running] = await Promise.all([
    checkMachine({ env: context.env, signal: context.signal, deadlineMs: DEADLINE_MS }, embedded),
    checkFolders(context, flags, stack.read?.desired?.stack ?? null),
    stack.read?.desired ? checkStack(context, flags) : [],
  ]);
  const checks = [
    ...inGroup('Program', checkProgram(context, flags)),
    ...inGroup('Machine', machine.machine),
    ...inGroup('Engines', machine.engines),
    ...inGroup('Folders', folders),
    ...inGroup('Stack', [stack.finding, ...running]),
  ];
  await show(checks, context, flags);
  return checks.some((check) => check.status === 'fail') ? EXIT.error : EXIT.ok;
}

async function show(checks: readonly Check[], context: CliContext, flags: StackFlags & { readonly json?: boolean }): Promise<void> {
  if (!flags.json) return print(context.stdout, renderChecks(checks, screenOf(context.stdout, context, flags)));
  await printJson(context.stdout, {
    type: 'doctor',
    format: '1.0',
    at: context.now(),
    ok: !checks.some((check) => check.status === 'fail'),
    checks,
  });
}

/** The stack's file. That there is none is fine: doctor is also for machines that have none yet. */
async function lookAtFile(context: CliContext, flags: StackFlags): Promise<{ readonly read: ReadStack | null; readonly finding: Finding }> {
  try {
    const read = await readStack(context, flags);
    const errors = errorsIn(read.problems).length;
    if (!read.desired)
      return {
        read,
        finding: finding(
          'file',
          'fail',
          `${read.paths.shown} is not valid: ${errors} ${errors === 1 ? 'problem' : 'problems'}.`,
          'Type `llmops validate` to see them.',
        ),
      };
    return {
      read,
      finding: finding(
        'file',
        'ok',
        `${read.paths.shown} is valid: ${counted(read.desired.models.length, 'model')}, ${counted(read.desired.backends.length, 'backend')}`,
      ),
    };
  } catch (error) {
    const problem = problemOf(error);
    const asked = flags.file !== undefined || problem.code !== 'no-stack-file';
    return { read: null, finding: finding('file', asked ? 'fail' : 'note', problem.summary, problem.fix ?? null) };
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

async function checkFolders(context: CliContext, flags: StackFlags, stack: string | null): Promise<readonly Finding[]> {
  try {
    const state = stateDirOf(context, flags, stack ?? '');
    return await Promise.all([
      checkFolder('state-folder', 'State in', state.replace(/\/$/, '')),
      checkFolder('cache-folder', 'Cache in', cacheDirOf(context)),
    ]);
  } catch (error) {
    const problem = problemOf(error);
    return [finding('state-folder', 'fail', problem.summary, problem.fix ?? null)];
  }
}

async function checkStack(context: CliContext, flags: StackFlags): Promise<readonly Finding[]> {
  try {
    const session = await openSession(context, flags);
    const { checkLease, checkRunning } = await import('./doctor/stack.ts');
    return [checkLease(session.stateDir), ...(await checkRunning(session, context))];
  } catch (error) {
    const problem = problemOf(error);
    return [finding('stack', 'fail', `${stackPaths(context, flags).shown}: ${problem.summary}`, problem.fix ?? null)];
  }
}
