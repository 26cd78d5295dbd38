import type { ModelSpec } from '../domain/desired.ts';
import type { Attached } from '../domain/kept.ts';
import type { Inventory } from '../domain/observed.ts';
import { compareText } from '../domain/text.ts';
import { sessionOfGeneration } from './last-session.ts';
import { connectDrivers, type Session } from './session.ts';
import { lookAtSecrets, planFor } from './survey.ts';
import { noteIn, type Surroundings } from './surroundings.ts';
import { resolveWeights } from './weights.ts';

/**
 * Opens the stack as it is in force: as it was applied last, whoever did that, and, of a model whose last change failed or
 * was not begun, as that model was applied before; so also one that is not declared any more and was not taken down yet.
 * A file that was edited since is not meant yet. Read anew only when something was applied. `first`: what it is until then.
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
  const declared = new Set([...last.desired.models.map(({ name }) => name), ...(last.desired.inertModels ?? [])]);
  const lagging = Object.keys(inventory.models).filter(
    (name) => !declared.has(name) || (wished.has(name) && inventory.models[name]?.specHash !== wished.get(name)),
  );
  if (lagging.length === 0) return last;
  const former = new Map<string, Former>();
  for (const name of lagging) {
    const one = await formerOf(name, before, inventory, context);
    if (one !== null) former.set(name, one);
  }
  const recorded = lagging.flatMap((name) => {
    const weights = inventory.models[name]?.spec?.weights;
    // A path of fetched weights names their content; what is in another file now may be something else.
    return weights?.remote === undefined ? [] : [[name, weights] as const];
  });
  return {
    ...withFormer(last, former),
    lagging: lagging.toSorted(compareText),
    recorded: Object.fromEntries(recorded),
    attached: attachedOf(last, lagging, inventory),
  };
}

/** What the options of the models name: as it was when each was applied. Where two name the same file, the one that is as declared counts. */
function attachedOf({ attached, desired }: Session, lagging: readonly string[], { models }: Inventory): Attached {
  const of = (names: readonly string[]): Attached => Object.assign({}, ...names.map((name) => models[name]?.spec?.attachments)) as Attached;
  const asDeclared = desired.models.map(({ name }) => name).filter((name) => !lagging.includes(name));
  return { ...attached, ...of(lagging), ...of(asDeclared) };
}

/** The stack as a generation declared it; null: there is none, or its text is not understood. */
async function sessionIn(context: Surroundings, { paths, stateDir }: Session, number: number | null): Promise<Session | null> {
  if (number === null) return null;
  const { readGeneration } = await import('../state/index.ts');
  const generation = await readGeneration(stateDir, number).catch(() => null); // a damaged one is history that is lost
  return generation && sessionOfGeneration(generation, { paths, stateDir, context });
}

/**
 * The model as it was declared when it was applied. That it was started anew since, for a crash, is a generation as well, and has
 * the text of the whole stack as it was wanted then: so the newest one counts in which the model is declared as it runs.
 */
async function formerOf(name: string, { paths, stateDir }: Session, inventory: Inventory, context: Surroundings): Promise<Former | null> {
  const applied = inventory.models[name];
  const { listGenerations } = await import('../state/index.ts');
  const generations = (await listGenerations(stateDir)).filter(({ number }) => number <= (applied?.generation ?? 0));
  const seen = new Set<string>();
  let newest: Former | null = null;
  for (const generation of generations) {
    const { text } = generation.source;
    const session = seen.has(text) ? null : await sessionOfGeneration(generation, { paths, stateDir, context });
    seen.add(text);
    const model = session?.desired.models.find((one) => one.name === name);
    if (!session || !model) continue;
    newest ??= { model, session };
    if ((await wishedHashes(session, inventory, context)).get(name) === applied?.specHash) return { model, session };
  }
  return newest;
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
  const others = new Map([...former].map(([name, { model }]) => [name, model]));
  const all = new Map([...desired.models.map((model): [string, ModelSpec] => [model.name, model]), ...others]);
  const models = [...all.values()].sort((a, b) => compareText(a.name, b.name));
  const known = new Set(desired.backends.map(({ name }) => name));
  const more = [...former.values()].flatMap(({ model, session }) =>
    session.desired.backends.filter(({ name }) => name === model.backend && !known.has(name)),
  );
  const backends = [...desired.backends, ...new Map(more.map((spec) => [spec.name, spec])).values()];
  return { ...last, desired: { ...desired, models, backends } };
}
