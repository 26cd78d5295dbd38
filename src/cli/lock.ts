import { errorsIn, ProblemError } from '../domain/problem.ts';
import { nearest } from '../domain/text.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT } from './exit.ts';
import { checkLock } from './lock/check.ts';
import { lookUp } from './lock/look-up.ts';
import { reportDamage, reportLocked } from './lock/report.ts';
import { wholeStack } from './lock/stack.ts';
import { writeLockFile } from './lock/write.ts';
import { readLock } from '../stack/pins.ts';
import { openSession, type Session } from '../stack/session.ts';

export interface LockFlags extends StackFlags {
  /** True: all of them. */
  readonly upgrade?: true | readonly string[];
  readonly check?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/**
 * `llmops lock`: looks up what llmops.lock does not pin yet, or pins otherwise than llmops.yaml reads now, and leaves the
 * rest as it is; entries that nothing needs are taken out. `--upgrade` looks up anew what is pinned. Without an environment
 * it does so for the models of the base, with one for those of the overlay: what differs there has entries of its own,
 * `chat@prod`. One model that fails stops no other, and the exit code is 1 then. `--check` asks nobody and changes nothing:
 * 0 if the lock holds, else 1, as `npm ci` and `fmt --check` do.
 */
export async function run(context: CliContext, flags: LockFlags): Promise<number> {
  refuseConflicts(flags);
  const session = await openSession(context, flags);
  const [stack, held] = await Promise.all([wholeStack(session), readLock(session.paths)]);
  if (held.problems.length > 0) return reportDamage(session, held.problems, context, flags);
  if (flags.check) return checkLock(session, stack, held, context, flags);
  const found = await lookUp(session, stack, held.lock, upgraded(flags, session), context);
  const written = flags.dryRun ? false : await writeLockFile(session.paths, held.text, found.after);
  await reportLocked(session, found, written, context, flags);
  return errorsIn(found.problems).length > 0 ? EXIT.error : EXIT.ok;
}

function refuseConflicts({ check, upgrade, dryRun }: LockFlags): void {
  const other = upgrade !== undefined ? '--upgrade' : dryRun ? '--dry-run' : null;
  if (!check || other === null) return;
  throw new ProblemError({
    code: 'conflicting-flags',
    summary: `--check asks nobody, and ${other} looks things up: only one of them can be meant.`,
    fix: 'Leave one of them out.',
  });
}

/** Names of the models that are looked up anew, though they are pinned. */
function upgraded({ upgrade }: LockFlags, { desired }: Session): readonly string[] {
  const names = desired.models.map(({ name }) => name);
  if (upgrade === undefined) return [];
  if (upgrade === true) return names;
  for (const name of upgrade) {
    if (names.includes(name)) continue;
    const guess = nearest(name, names);
    throw new ProblemError({
      code: 'unknown-target',
      summary: `--upgrade names ${JSON.stringify(name)}, and ${desired.file} has no such model. Nothing was changed.`,
      expected: names.length === 0 ? 'nothing: there are no models' : `one of ${names.slice(0, 10).join(', ')}`,
      fix: guess === null ? 'See which there are: llmops status' : `Did you mean --upgrade ${guess}?`,
    });
  }
  return upgrade;
}
