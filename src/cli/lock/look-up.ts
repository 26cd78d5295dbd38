import type { BackendSpec } from '../../domain/desired.ts';
import { engineBehind, engineLabel } from '../../domain/copies.ts';
import type { LockDiff } from '../../domain/lock.ts';
import type { ObservedBackend } from '../../domain/observed.ts';
import { ProblemError, type Problem } from '../../domain/problem.ts';
import type { Lock } from '../../domain/weights.ts';
import type { Resolve, WholeStack } from '../../lock/index.ts';
import type { CliContext } from '../context.ts';
import { noteIn } from '../../stack/surroundings.ts';
import { resolver } from '../resolver.ts';
import { connectDrivers, type Session } from '../../stack/session.ts';

/** A lock brought up to date, but not written yet. */
export interface LookedUp {
  readonly after: Lock;
  readonly diff: LockDiff;
  /** Of models that could not be looked up. Warnings where nothing needs them to be. */
  readonly problems: readonly Problem[];
}

/** Engines tell their version at once, or are not there; nothing depends on it. Milliseconds. */
const ENGINES_MS = 3000;
/** Sources that take longer are named on the screen, in milliseconds. */
const SILENT_MS = 1000;

/** Looks up what is missing or out of date and what is to be upgraded, leaves the rest, and drops what nothing needs. */
export async function lookUp(
  session: Session,
  stack: WholeStack,
  held: Lock | null,
  upgraded: readonly string[],
  context: CliContext,
): Promise<LookedUp> {
  const { compareLock, diffLock, lockModels, unusedEntries } = await import('../../lock/index.ts');
  const before = held ?? { models: {}, engines: {} };
  const kept = without(before, unusedEntries(before, stack));
  const { models } = compareLock(session.desired, kept);
  const chosen = models.filter(({ model, status }) => status !== 'locked' || upgraded.includes(model)).map(({ model }) => model);
  const optional = models.filter(({ model, status }) => status === 'not-needed' && !upgraded.includes(model)).map(({ model }) => model);
  const lookingUp = lockModels(session.desired, kept, lenient(resolver(session, context), optional), chosen, stack.base);
  const [made, engines] = await Promise.all([noted(lookingUp, chosen, context), engineVersions(session, stack, before, context)]);
  context.signal.throwIfAborted();
  const after = { models: made.lock.models, engines };
  return { after, diff: diffLock(before, after), problems: made.problems };
}

function without(lock: Lock, names: readonly string[]): Lock {
  return { ...lock, models: Object.fromEntries(Object.entries(lock.models).filter(([name]) => !names.includes(name))) };
}

async function noted<T>(work: Promise<T>, names: readonly string[], context: CliContext): Promise<T> {
  const note = noteIn(context);
  const shown = names.length <= 3 ? names.join(', ') : `${names.length} models`;
  const slow = setInterval(() => note.show(`looking up ${shown}`), SILENT_MS);
  return work.finally(() => {
    clearInterval(slow);
    note.clear();
  });
}

/** A file that lies elsewhere only (on the machine with the GPU, say) works without an entry: that keeps no other from being pinned. */
function lenient(resolve: Resolve, optional: readonly string[]): Resolve {
  return (model) =>
    resolve(model).catch((error: unknown) => {
      const isFine = error instanceof ProblemError && error.problem.code === 'weights-missing' && optional.includes(model.name);
      throw isFine ? new ProblemError({ ...error.problem, severity: 'warning' }, error) : error;
    });
}

/** Which engines run the stack. Those that do not answer keep what is written of them; backends that are gone lose it. */
async function engineVersions(
  session: Session,
  { base, overlays }: WholeStack,
  before: Lock,
  context: CliContext,
): Promise<Lock['engines']> {
  const { observeAll } = await import('../../observe/index.ts');
  const { backends } = session.desired;
  const declared = new Set([base, ...overlays].flatMap((desired) => desired.backends.map(({ name }) => name)));
  const drivers = connectDrivers(session, backends, context);
  const seen = (await observeAll(drivers, backends, { signal: context.signal, deadlineMs: ENGINES_MS })).flatMap((backend) => {
    const label = labelOf(backend, backends);
    return label === null ? [] : [[backend.name, label] as const];
  });
  const known = Object.entries(before.engines).filter(([name]) => declared.has(name));
  return Object.fromEntries([...known, ...seen]);
}

/** Program and version; of an engine behind an address its kind. */
function labelOf(backend: ObservedBackend, specs: readonly BackendSpec[]): string | null {
  if (backend.status !== 'reachable' || backend.engine.status !== 'present') return null;
  const { at, version } = backend.engine;
  if (!/^https?:/.test(at)) return engineLabel(backend.engine);
  return engineBehind(specs.find(({ name }) => name === backend.name)?.type ?? backend.type, version);
}
