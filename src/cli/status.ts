import { askRelease, askStatus } from '../control/client.ts';
import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { holdsAt } from '../domain/holds.ts';
import { copiesByModel } from '../domain/copies.ts';
import type { Plan } from '../domain/plan.ts';
import type { Status } from '../domain/status.ts';
import type { CliContext, StackFlags } from './context.ts';
import { EXIT } from './exit.ts';
import { refuseNotAmong } from './known-models.ts';
import { openSessionOrLast } from './last-applied.ts';
import { localClock } from './moment.ts';
import { pathIn } from '../stack/paths.ts';
import { print, printJson, screenOf } from './screen.ts';
import { sessionOfGeneration } from '../stack/last-session.ts';
import type { Session } from '../stack/session.ts';
import { writeSnapshot } from './snapshot.ts';
import { planFor, survey, type Survey } from '../stack/survey.ts';

export interface StatusFlags extends StackFlags {
  readonly output: 'table' | 'wide' | 'json';
  readonly json?: boolean;
  readonly exitCode?: boolean;
  readonly snapshot?: string;
  readonly observeTimeout: number;
}

/**
 * `llmops status`: what is wanted, what engines were told, what is in force, and why they differ. Changes nothing. With a
 * file that is gone or not valid it tells what runs, and exits 1.
 */
export async function run(context: CliContext, flags: StatusFlags, names: readonly string[]): Promise<number> {
  const { session: here, fileProblems } = await openSessionOrLast(context, flags);
  const daemon = await askStatus(here.stateDir);
  const session = await asFollowed(here, daemon, context);
  const seen = await survey(session, context, flags.observeTimeout);
  refuseUnknownNames(names, session, seen);
  if (flags.snapshot !== undefined) await writeSnapshot(pathIn(context, flags, flags.snapshot), session, seen, context);
  const plan = await planFor(session, seen, 'apply', { target: names, allowDestroy: true, holdFailed: daemon !== null });
  const status = await fold(session, seen, fileProblems === null ? plan : null, daemon, context);
  await show(status, context, flags);
  if (fileProblems !== null) return EXIT.error;
  const fine = plan.steps.length === 0 && plan.summary.blocked === 0 && status.summary.ready === status.summary.declared;
  return flags.exitCode && !fine ? EXIT.changes : EXIT.ok;
}

/** A daemon that follows a branch works towards its commit, whatever lies in the clone: the stack as that declares it. Else the file. */
async function asFollowed(here: Session, daemon: DaemonPicture | null, context: CliContext): Promise<Session> {
  if (daemon === null || daemon.newest === null || daemon.newest.commit === null) return here;
  const followed = await askRelease(here.stateDir);
  if (followed === null) return here;
  const { environment, attached, ...source } = followed;
  const { paths, stateDir, desired } = here;
  return (await sessionOfGeneration({ environment, attached, stack: desired.stack, source }, { paths, stateDir, context })) ?? here;
}

/** A slip in a name must not read as "it is not there". */
function refuseUnknownNames(names: readonly string[], { desired }: Session, { inventory, observed }: Survey): void {
  const declared = [...desired.models.map(({ name }) => name), ...(desired.inertModels ?? [])];
  const left = [
    ...Object.keys(inventory.models),
    ...Object.keys(inventory.endpoints),
    ...copiesByModel(observed, inventory.endpoints).keys(),
  ];
  refuseNotAmong(names, [...declared, ...left]);
}

/** `plan` is null where the file could not be used: then only what runs is told. */
async function fold(session: Session, seen: Survey, plan: Plan | null, daemon: DaemonPicture | null, context: CliContext): Promise<Status> {
  const { currentHolder, currentSupervisor, listGenerations, readGeneration, readHolds } = await import('../state/index.ts');
  const { makeStatus, withInert, withLastFailures } = await import('../status/index.ts');
  const { generation } = seen.inventory;
  const applied = generation === null ? null : await readGeneration(session.stateDir, generation).catch(() => null);
  const made = makeStatus({
    desired: plan === null ? null : session.desired,
    plan,
    observed: seen.observed,
    inventory: seen.inventory,
    now: context.now(),
    stack: session.desired.stack,
    holder: currentHolder(session.stateDir),
    supervisor: currentSupervisor(session.stateDir),
    daemon,
    holds: holdsAt((await readHolds(session.stateDir)).holds, Date.parse(context.now())),
    appliedRevision: applied?.revision ?? null,
  });
  const inert = plan === null ? [] : (session.desired.inertModels ?? []);
  const asked = inert.filter((name) => plan?.targets.length === 0 || plan?.targets.includes(name));
  const calm = made.models.every((model) => model.state === 'ready');
  return withLastFailures(withInert(made, asked), calm ? [] : await listGenerations(session.stateDir));
}

async function show(status: Status, context: CliContext, flags: StatusFlags): Promise<void> {
  const [{ renderStatusText, statusDocument }, { withClock }] = await Promise.all([
    import('../render/index.ts'),
    import('../render/format/times.ts'),
  ]);
  if (flags.json || flags.output === 'json') return printJson(context.stdout, statusDocument(status));
  const looks = { ...screenOf(context.stdout, context, flags), now: context.now(), wide: flags.output === 'wide' };
  await print(context.stdout, withClock(renderStatusText(status, looks), localClock));
}
