import type { Desired } from '../../domain/desired.ts';
import { errorsIn, type Problem } from '../../domain/problem.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import { printProblems } from '../failure.ts';
import type { LockFlags } from '../lock.ts';
import { lockPathOf } from '../../stack/paths.ts';
import { print, printJson, say, screenOf, shellWord } from '../screen.ts';
import type { Session } from '../../stack/session.ts';
import type { LookedUp } from './look-up.ts';

/** A damaged lock is never overwritten: what is wrong with it, and what to type. */
export async function reportDamage(
  { desired, paths }: Session,
  problems: readonly Problem[],
  context: CliContext,
  flags: LockFlags,
): Promise<number> {
  const file = lockPathOf(paths.shown);
  if (flags.json) {
    const { lockDocument } = await import('../../render/index.ts');
    const nothing = { written: false, models: [], unused: [], diff: null };
    await printJson(context.stdout, lockDocument({ file, environment: desired.environment, ...nothing, problems }));
    return EXIT.error;
  }
  await printProblems(problems, context, flags);
  const word = shellWord(file);
  await print(
    context.stderr,
    `\n${file} was left as it was. Take its last good version (git checkout ${word}), or mend what is named above. If there is none: rm ${word} && llmops lock, which looks everything up anew.`,
  );
  return EXIT.error;
}

/** What differs, what could not be looked up, and whether it was written. */
export async function reportLocked(
  { desired, paths }: Session,
  found: LookedUp,
  written: boolean,
  context: CliContext,
  flags: LockFlags,
): Promise<void> {
  const { after, diff, problems } = found;
  const render = await import('../../render/index.ts');
  const file = lockPathOf(paths.shown);
  if (flags.json) {
    const { compareLock } = await import('../../lock/index.ts');
    const { models, unused } = compareLock(desired, after);
    await printJson(
      context.stdout,
      render.lockDocument({ file, environment: desired.environment, written, models, unused, diff, problems }),
    );
    return;
  }
  // With nothing to pin, nothing is written: which engines there are is then no difference to anything.
  const isNothing = !written && Object.keys(after.models).length === 0;
  const text = isNothing ? '' : render.renderLockDiff(diff, screenOf(context.stdout, context, flags));
  await print(context.stdout, `${text === '' ? '' : `${text}\n`}${verdict(file, found, written, flags, render.lockDiffWords(diff))}`);
  await printProblems(problems, context, flags);
  await say(context.stderr, notPinned(desired).join('\n'));
}

function verdict(file: string, { after, diff, problems }: LookedUp, written: boolean, { dryRun }: LockFlags, words: string): string {
  const count = Object.keys(after.models).length;
  const pinned = `${count} ${count === 1 ? 'entry' : 'entries'}`;
  const isSame = diff.models.length + diff.engines.length === 0;
  if (written) return `${file} is written: ${isSame ? 'the order of files' : words}; ${pinned}. Commit it.`;
  if (dryRun && !isSame) return `${file} would be written: ${words}; ${pinned}. Nothing was (--dry-run).`;
  if (count === 0 && errorsIn(problems).length > 0) return `${file} was not written: nothing could be looked up.`;
  return `${file} ${errorsIn(problems).length > 0 ? 'is left as it was' : 'is as it should be'}: ${pinned}.`;
}

/** Models whose backend this version does not act on are not looked up either. */
export function notPinned({ inert, inertModels = [] }: Desired): readonly string[] {
  return inertModels.map((name) => {
    const reason = inert.find(({ path }) => path === `models.${name}`)?.reason ?? 'not acted on yet';
    return `Not pinned: ${name} (${reason}).`;
  });
}
