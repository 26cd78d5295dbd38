import type { WholeStack } from '../../lock/index.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit.ts';
import type { LockFlags } from '../lock.ts';
import { lockPathOf } from '../../stack/paths.ts';
import type { ReadLock } from '../../stack/pins.ts';
import { lineScreenOf, print, printJson } from '../screen.ts';
import type { Session } from '../../stack/session.ts';
import { notPinned } from './report.ts';

/** `lock --check`: what keeps the lock from holding, found without asking anybody. The findings are the result, so they go to stdout. */
export async function checkLock(
  session: Session,
  stack: WholeStack,
  held: ReadLock,
  context: CliContext,
  flags: LockFlags,
): Promise<number> {
  const { compareLock, lockProblems } = await import('../../lock/index.ts');
  const { desired, paths } = session;
  const file = lockPathOf(paths.shown);
  const comparison = compareLock(desired, held.lock ?? { models: {}, engines: {} }, stack);
  const problems = lockProblems({ comparison, desired, file, places: held.places });
  const code = problems.length > 0 ? EXIT.error : EXIT.ok;
  if (flags.json) {
    const { lockDocument } = await import('../../render/index.ts');
    const document = lockDocument({ file, environment: desired.environment, written: false, ...comparison, diff: null, problems });
    await printJson(context.stdout, document);
    return code;
  }
  const { renderProblemsText } = await import('../../render/problems.ts');
  const pinned = comparison.models.filter(({ status }) => status === 'locked').length;
  const free = comparison.models.filter(({ status }) => status === 'not-needed').length;
  const notes = [
    ...(free > 0 ? [`${models(free)} from a file of this machine ${free === 1 ? 'is' : 'are'} not pinned (\`llmops lock\` does).`] : []),
    ...notPinned(desired),
  ];
  const verdict = `${file} holds for ${desired.file}${environmentWords(desired.environment)}: ${models(pinned)} pinned.`;
  await print(
    context.stdout,
    problems.length > 0 ? renderProblemsText(problems, lineScreenOf(context.stdout, context, flags)) : [verdict, ...notes].join('\n'),
  );
  return code;
}

function models(count: number): string {
  return `${count} model${count === 1 ? '' : 's'}`;
}

function environmentWords(environment: string | null): string {
  return environment === null ? '' : ` with environment ${environment}`;
}
