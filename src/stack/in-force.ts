import type { ModelSpec } from '../domain/desired.ts';
import type { Attached } from '../domain/kept.ts';
import type { Inventory } from '../domain/observed.ts';
import { sessionOfGeneration } from './last-session.ts';
import { connectDrivers, type Session } from './session.ts';
import { lookAtSecrets, planFor } from './survey.ts';
import { noteIn, type Surroundings } from './surroundings.ts';
import { resolveWeights } from './weights.ts';

/**
 * Opens the stack as it is in force: as it was applied last, whoever did that, and, of a model whose last change failed or
 * was not begun, as that model was applied before. A file that was edited since is not meant yet. Read anew only when
 * something was applied. `first`: what it is until then.
 */
export function inForce(context: Surroundings, first: Session): () => Promise<Session> {
  let [session, known]: [Session, string | null] = [first, null];
  return async () => {
    const { readState } = await import('../state/index.ts');
    const { inventory } = await readState(first.stateDir);
    const state = JSON.stringify([inventory.generation, Object.entries(inventory.models).map(([name, one]) => [name, one.specHash])]);
    if (state !== known) session = await compose(context, session, inventory);
    known = state;
    return session;
  };
}

async function compose(context: Surroundings, before: Session, inventory: Inventory): Promise<Session> {
  const last = (await sessionIn(context, before, inventory.generation)) ?? before;
  const wished = await wishedHashes(last, inventory, context);
  const lagging = last.desired.models.filter(({ name }) => {
    const applied = inventory.models[name];
    return applied !== undefined && applied.specHash !== wished.get(name);
  });
  if (lagging.length === 0) return last;
  const former = new Map<string, Former>();
  for (const { name } of lagging) {
    const session = await sessionIn(context, before, inventory.models[name]?.generation ?? null);
    const model = session?.desired.models.find((one) => one.name === name);
    if (session && model) former.set(name, { model, session });
  }
  const recorded = lagging.flatMap(({ name }) => {
    const weights = inventory.models[name]?.spec?.weights;
    // A path of fetched weights names their content; what is in another file now may be something else.
    return weights?.remote === undefined ? [] : [[name, weights] as const];
  });
  return { ...withFormer(last, former), recorded: Object.fromEntries(recorded), attached: attachedOf(last, lagging, inventory) };
}

/** What the options of the models name: as it was when each was applied. Where two name the same file, the one that is as declared counts. */
function attachedOf({ attached, desired }: Session, lagging: readonly ModelSpec[], { models }: Inventory): Attached {
  const behind = new Set(lagging.map(({ name }) => name));
  const of = (isBehind: boolean): Attached =>
    Object.assign(
      {},
      ...desired.models.filter(({ name }) => behind.has(name) === isBehind).map(({ name }) => models[name]?.spec?.attachments),
    ) as Attached;
  return { ...attached, ...of(true), ...of(false) };
}

/** The stack as a generation declared it; null: there is none, or its text is not understood. */
async function sessionIn(context: Surroundings, { paths, stateDir }: Session, number: number | null): Promise<Session | null> {
  if (number === null) return null;
  const { readGeneration } = await import('../state/index.ts');
  const generation = await readGeneration(stateDir, number).catch(() => null); // a damaged one is history that is lost
  return generation && sessionOfGeneration(generation, { paths, stateDir, context });
}

/** What each model would run as; null: its weights cannot be resolved. No engine is asked: one that is away would be waited for. */
async function wishedHashes(session: Session, inventory: Inventory, context: Surroundings): Promise<ReadonlyMap<string, string | null>> {
  const { desired } = session;
  const note = noteIn(context);
  const looks = [
    resolveWeights(session, context, note),
    lookAtSecrets(desired.models, connectDrivers(session, desired.backends, context)),
  ] as const;
  const [resolved, secrets] = await Promise.all(looks).finally(() => note.clear());
  const { changes } = await planFor(session, { ...resolved, secrets, inventory, observed: [] }, 'apply', { allowDestroy: true });
  return new Map(changes.map(({ model, wish }) => [model, wish?.specHash ?? null]));
}

/** A model as it was declared when it was applied. */
interface Former {
  readonly model: ModelSpec;
  readonly session: Session;
}

function withFormer(last: Session, former: ReadonlyMap<string, Former>): Session {
  const { desired } = last;
  const models = desired.models.map((model) => former.get(model.name)?.model ?? model);
  const known = new Set(desired.backends.map(({ name }) => name));
  const more = [...former.values()].flatMap(({ model, session }) =>
    session.desired.backends.filter(({ name }) => name === model.backend && !known.has(name)),
  );
  const backends = [...desired.backends, ...new Map(more.map((spec) => [spec.name, spec])).values()];
  return { ...last, desired: { ...desired, models, backends } };
}
