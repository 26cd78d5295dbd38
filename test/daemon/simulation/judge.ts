import type { Loop } from '../../../src/daemon/loop.ts';
import { targetOf } from '../../../src/daemon/target.ts';
import type { Change } from '../../../src/domain/plan.ts';
import { suspendedAt, WHOLE_STACK } from '../../../src/domain/holds.ts';
import { parseJournal } from '../../../src/state/journal.ts';
import { readGeneration } from '../../../src/state/index.ts';
import type { Session } from '../../../src/stack/session.ts';
import { DIR } from './stacks.ts';
import type { World } from './world.ts';

/** What was written of runs is whole up to where the last writer died, and no earlier writer came after a later one. */
export function checkJournal(world: World): void {
  const { records, damaged } = parseJournal(world.disk.files.get(`${DIR}/journal.ndjson`) ?? new Uint8Array());
  if (damaged) world.violate('the journal is damaged in the middle');
  const inOrder = records.every(
    ({ seq, token }, at) => at === 0 || (seq > (records[at - 1]?.seq ?? 0) && token >= (records[at - 1]?.token ?? 0)),
  );
  if (!inOrder) world.violate('the journal is out of order');
}

/** Why the stack is not yet where it is to be; null: it is, or it stays where it is for a reason that is told. */
export async function unsettled(world: World, loop: Loop): Promise<string | null> {
  const { standing, follower } = loop;
  const holds = await world.holds();
  const suspended = suspendedAt(holds, world.time.wallMs);
  if (suspended.has(WHOLE_STACK)) return standing.phase === 'suspended' ? null : `suspended, and ${standing.phase}`;
  if (standing.phase === 'applying') return isEndless(follower.release?.session) ? null : 'it applies still';
  const head = world.repository.head;
  if (head?.isSigned && head.text.startsWith('{') && follower.release?.id !== world.sessions.releaseOf(head.text))
    return 'the newest release is not followed';
  const target = targetOf(follower.release?.id ?? null, holds);
  if (JSON.stringify(standing.target) !== JSON.stringify(target))
    return `it works towards ${JSON.stringify(standing.target)} and not ${JSON.stringify(target)}`;
  const lost = await lostIn(world, suspended);
  if (lost !== null) return lost;
  if (target.kind === 'in-force') return null;
  const session = target.kind === 'release' ? follower.release?.session : await generationOf(world, target.number);
  if (session === null || session === undefined) return standing.stalled.length > 0 ? null : 'its generation is gone, and nobody is told';
  const plan = world.planning.plan(session, await world.seen(), { allowDestroy: true });
  const open = plan.changes.filter((change) => change.action !== 'keep' && !suspended.has(change.model));
  for (const change of open) {
    const why = whyOpen(change, session, loop, world.fought);
    if (why !== null) return why;
  }
  if (plan.interrupted.length > 0 && plan.changes.every(({ action }) => action === 'keep') && suspended.size === 0)
    return 'a run that was cut off is never closed';
  return null;
}

/** A model that loads for ever is waited for until its deadline, which is most of the time. */
function isEndless(session: Session | undefined): boolean {
  return session?.desired.models.some(({ options }) => options['fail'] === 'never') ?? false;
}

/** What is in force and can run serves its clients, wherever the stack is to be brought. */
async function lostIn(world: World, suspended: ReadonlyMap<string, unknown>): Promise<string | null> {
  const [{ inventory }, served] = [await world.stored(), world.served()];
  const lost = Object.entries(inventory.models).filter(([model, { spec }]) => {
    const isBad = spec?.options['fail'] !== undefined;
    return !isBad && !served.has(model) && !suspended.has(model) && !world.fought.has(model);
  });
  return lost.length === 0 ? null : `${lost.map(([model]) => model).join(', ')} in force, and nobody is served`;
}

async function generationOf(world: World, number: number): Promise<Session | null> {
  const generation = await readGeneration(DIR, number, world.disk);
  return generation === null ? null : world.sessions.of(generation.source.text);
}

/** null: it is told, and it is so for a reason. */
function whyOpen(change: Change, { desired }: Session, { standing }: Loop, fought: ReadonlySet<string>): string | null {
  const { model, action } = change;
  const said = `${model} is to be ${action === 'blocked' ? `blocked: ${change.problem.summary}` : `${action}d: ${change.cause}`}`;
  if (standing.parked !== null || isRefused(standing)) return null;
  const isTold = standing.left.includes(model) || standing.waiting.some((one) => one.model === model);
  if (!isTold) return `${said}, and nobody is told`;
  const declared = desired.models.find(({ name }) => name === model);
  const isBad = declared !== undefined && declared.options['fail'] !== undefined;
  const isBlocked = action === 'blocked' && STAYS.has(change.problem.code);
  return isBad || isBlocked || fought.has(model) ? null : `${said}, for no reason`;
}

/** Nothing is done about them until somebody else does something. */
const STAYS: ReadonlySet<string> = new Set(['failed-before', 'successor-blocked']);

/** The whole plan is held back, for a reason that a person has to judge. */
function isRefused({ stalled }: Loop['standing']): boolean {
  return stalled.length > 0 && stalled.every(({ code }) => code === 'mass-delete');
}
