import { problemOf } from '../domain/problem.ts';
import { carryOut, type Order } from './carry-out.ts';
import { EXIT } from './exit.ts';
import { printProblems } from './failure.ts';
import { inForce } from '../stack/in-force.ts';
import { isOfFile } from '../stack/last-session.ts';
import { openSessionOrLast } from './last-applied.ts';
import { say } from './screen.ts';
import type { Session } from '../stack/session.ts';
import { supervise } from './supervise.ts';

/** How an apply can end before it has begun, so that there is nothing that this process may look after. */
const COULD_NOT_BEGIN: ReadonlySet<string> = new Set([
  'lease-held',
  'not-approved',
  'stack-name-taken',
  'state-too-new',
  'no-home',
  'daemon-runs',
]);

/**
 * `llmops apply --supervise`: applies, and stays whatever came of that, so that what runs is looked after also when a change
 * failed or the file is broken. What failed at its start before is not tried again by itself: a service manager that
 * restarts this command would take a working copy down for it each time. A person's `llmops apply` tries it. Another apply is
 * waited for, for as long as it takes unless `--lock-timeout` says otherwise.
 */
export async function applyAndStay(order: Order): Promise<number> {
  const { takeDaemonLock } = await import('../state/index.ts');
  const place: { lock: ReturnType<typeof takeDaemonLock> | null } = { lock: null };
  const takePlace = async (session: Session): Promise<Session> => {
    await (place.lock ??= takeDaemonLock(session.stateDir));
    return session;
  };
  try {
    return await applyHolding(order, takePlace);
  } finally {
    await place.lock?.then((lock) => lock.release()).catch(() => undefined);
  }
}

/** `takePlace`: makes this the one process that looks after the stack, or throws. */
async function applyHolding(order: Order, takePlace: (session: Session) => Promise<Session>): Promise<number> {
  const { context, flags } = order;
  let opened: Promise<Session> | null = null;
  const open = () => (opened ??= order.open().then(takePlace));
  const held: Order = { ...order, open, flags: { ...flags, holdFailed: true }, command: 'llmops apply --supervise' };
  const patient: Order = { ...held, flags: { ...held.flags, lockTimeout: flags.lockTimeout || Infinity } };
  const { code, session } = await carryOut(patient).then(
    async (ended) => ({ code: ended, session: await open() }),
    async (error: unknown) => ({ code: EXIT.error, session: await sessionAfter(error, held) }),
  );
  await takePlace(session);
  if (context.signal.aborted) return context.signalExitCode() ?? code;
  if (code !== EXIT.ok)
    await say(context.stderr, '\nNot everything is as declared, see above. What runs is looked after as it was applied last.');
  return supervise({ ...held, open: inForce(context, session) }); // also what another apply made of it meanwhile
}

/** What there is to look after though the apply failed; throws its error if there is nothing. */
async function sessionAfter(error: unknown, { context, flags, open }: Order): Promise<Session> {
  if (context.signal.aborted || COULD_NOT_BEGIN.has(problemOf(error).code)) throw error;
  if (isOfFile(error)) return (await openSessionOrLast(context, flags)).session;
  const session = await open();
  if (!(await wasEverApplied(session))) throw error;
  await printProblems([problemOf(error)], context, flags);
  return session;
}

async function wasEverApplied({ stateDir }: Session): Promise<boolean> {
  const { readState } = await import('../state/index.ts');
  return (await readState(stateDir)).inventory.generation !== null;
}
