import type { Driver } from '../domain/backend.ts';
import type { Artifact, BackendSpec, ModelSpec } from '../domain/desired.ts';
import type { Inventory, ObservedBackend } from '../domain/observed.ts';
import type { Plan } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { SecretSight } from '../domain/secret.ts';
import type { Room } from '../domain/weights.ts';
import { noteIn, type ProgressNote, type Surroundings } from './surroundings.ts';
import { withCandidates } from './candidates.ts';
import { connectDrivers, desiredIn, type Session } from './session.ts';
import { sha256 } from './sha256.ts';
import { withStrangers } from './strangers.ts';
import { withUnpullable } from './unpullable.ts';
import { resolveWeights } from './weights.ts';

/** Everything a plan is made from, looked at in one go. */
export interface Survey {
  readonly artifacts: Readonly<Record<string, Artifact>>;
  /** What is wrong with weights or with stored state. */
  readonly problems: readonly Problem[];
  readonly observed: readonly ObservedBackend[];
  readonly inventory: Inventory;
  /** What can be told of the secrets that models name, by model. */
  readonly secrets: Readonly<Record<string, readonly SecretSight[]>>;
  /** Of the disk that weights are fetched to; absent: nothing is to be fetched, or nobody can tell. */
  readonly room?: Room;
  readonly drivers: Readonly<Record<string, Driver>>;
}

/** How long one backend may take to tell its state where no flag says so, in milliseconds. */
const OBSERVE_MS = 10_000;
/** Engines that take longer are named on the screen, in milliseconds. */
const SILENT_MS = 1000;

/**
 * Looks at weights, state and engines side by side, and notes what takes long. Changes nothing but the cache of
 * digests. Throws a ProblemError `stack-name-taken` if the state is another file's.
 */
export async function survey(session: Session, context: Surroundings, observeTimeout: number = OBSERVE_MS): Promise<Survey> {
  const { readState, stackOwnership } = await import('../state/index.ts');
  const ownership = await stackOwnership(session.stateDir, session.paths.file);
  const stored = await readState(session.stateDir);
  const specs = withForgotten(desiredIn(session).backends, stored.lastBackends);
  const drivers = connectDrivers(session, specs, context);
  const note = noteIn(context);
  try {
    const looks = [
      resolveWeights(session, context, note),
      observe(drivers, specs, context, observeTimeout, note),
      lookAtSecrets(session.desired.models, drivers),
    ] as const;
    const [resolved, seen, secrets] = await Promise.all(looks);
    const [{ models }, signal] = [session.desired, AbortSignal.any([context.signal, AbortSignal.timeout(observeTimeout)])];
    const held = await withStrangers(models, seen, drivers, signal);
    const found = { artifacts: resolved.artifacts, observed: held, inventory: stored.inventory, drivers };
    const observed = await withUnpullable(models, await withCandidates(models, found, signal), found, signal);
    const problems = [...session.warnings, ...ownership, ...stored.problems, ...resolved.problems];
    return { ...resolved, problems, observed, secrets, inventory: stored.inventory, drivers };
  } finally {
    note.clear();
  }
}

/** Backends that were removed from the file may still run instances of ours: they are looked at too. */
function withForgotten(declared: readonly BackendSpec[], last: readonly BackendSpec[]): readonly BackendSpec[] {
  const known = new Set(declared.map((spec) => spec.name));
  return [...declared, ...last.filter((spec) => !known.has(spec.name))];
}

/** Every backend looks at the secrets of its models. */
export async function lookAtSecrets(models: readonly ModelSpec[], drivers: Survey['drivers']): Promise<Survey['secrets']> {
  const looks = [...Map.groupBy(models, ({ backend }) => backend)].map(([backend, own]) => drivers[backend]?.secrets?.(own));
  return Object.assign({}, ...(await Promise.all(looks))) as Survey['secrets'];
}

async function observe(
  drivers: Survey['drivers'],
  specs: readonly BackendSpec[],
  context: Surroundings,
  deadlineMs: number,
  note: ProgressNote,
): Promise<readonly ObservedBackend[]> {
  const { observeAll } = await import('../observe/index.ts');
  const slow = setTimeout(() => note.show(`waiting up to ${deadlineMs / 1000} s for an answer of ${names(specs)}`), SILENT_MS);
  return observeAll(drivers, specs, { signal: context.signal, deadlineMs }).finally(() => clearTimeout(slow));
}

function names(specs: readonly BackendSpec[]): string {
  return specs.length <= 3 ? specs.map((spec) => spec.name).join(', ') : `${specs.length} backends`;
}

/** What a plan may do, as flags say it. */
export interface PlanFlags {
  readonly target?: readonly string[];
  readonly replace?: readonly string[];
  readonly allowDestroy?: boolean;
  readonly holdFailed?: boolean;
  readonly adopt?: boolean;
}

/** The decision for what was seen. Pure but for the import. */
export async function planFor(session: Session, seen: Omit<Survey, 'drivers'>, mode: Plan['mode'], flags: PlanFlags): Promise<Plan> {
  const { makePlan } = await import('../plan/index.ts');
  return makePlan({
    desired: desiredIn(session),
    artifacts: seen.artifacts,
    problems: seen.problems,
    traits: session.backends,
    observed: seen.observed,
    inventory: seen.inventory,
    secrets: seen.secrets,
    ...(seen.room === undefined ? {} : { room: seen.room }),
    mode,
    targets: flags.target ?? [],
    replace: flags.replace ?? [],
    allowDestroy: flags.allowDestroy ?? false,
    holdFailed: flags.holdFailed ?? false,
    adopt: flags.adopt ?? false,
    hash: sha256,
  });
}
