import type { Desired, ModelSpec } from '../domain/desired.ts';
import type { ModelLock, Outdated } from '../domain/lock.ts';
import { matchOf } from '../domain/quantization.ts';
import { compareText } from '../domain/text.ts';
import type { Lock, LockedModel } from '../domain/weights.ts';

/** How every declared model stands to the lock. Pure: asks neither the network nor a disk. */
export interface LockComparison {
  /** In the order of the declared models. */
  readonly models: readonly ModelLock[];
  /** Names of entries that nobody declares, sorted. */
  readonly unused: readonly string[];
}

/** One llmops.yaml: without an environment, and with each of them. */
export interface WholeStack {
  readonly base: Desired;
  readonly overlays: readonly Desired[];
}

/**
 * Compares what llmops.yaml asks for with what is pinned. Without the whole stack, entries of environments are not called
 * unused: which of them are needed is not known then.
 */
export function compareLock(desired: Desired, lock: Lock, stack: WholeStack | null = null): LockComparison {
  return { models: desired.models.map((model) => compareModel(model, desired.environment, lock)), unused: unusedIn(desired, lock, stack) };
}

function unusedIn(desired: Desired, lock: Lock, stack: WholeStack | null): readonly string[] {
  if (stack !== null) return unusedEntries(lock, stack);
  if (desired.environment !== null) return [];
  return unusedEntries(lock, { base: desired, overlays: [] }).filter((name) => !name.includes('@'));
}

function compareModel(model: ModelSpec, environment: string | null, lock: Lock): ModelLock {
  const entry = entryOf(model, environment, lock);
  if (entry === null) {
    return { model: model.name, status: model.source.kind === 'file' ? 'not-needed' : 'missing', entry: null, why: [] };
  }
  const why = outdated(model, lock.models[entry]!);
  return { model: model.name, status: why.length === 0 ? 'locked' : 'outdated', entry, why };
}

/**
 * Name of the entry that speaks of a model; null if there is none.
 *
 * The models of llmops.yaml without an environment have entries of their own name: `chat`. Where an environment's overlay
 * asks for other weights (source, revision, quantization or sha256), or declares a model of its own, the entry is called
 * `chat@prod`. Where it does not, it shares `chat`, so that one upgrade moves both. The `@` cannot stand in a model's name.
 */
export function entryOf(model: ModelSpec, environment: string | null, lock: Lock): string | null {
  const own = environment === null ? model.name : `${model.name}@${environment}`;
  if (Object.hasOwn(lock.models, own)) return own;
  const shared = Object.hasOwn(lock.models, model.name) ? lock.models[model.name] : undefined;
  return shared !== undefined && outdated(model, shared).length === 0 ? model.name : null;
}

/** The pinned weights that hold for a model; null if there are none, or they are not what it asks for any more. */
export function lockedFor(model: ModelSpec, environment: string | null, lock: Lock): LockedModel | null {
  const entry = entryOf(model, environment, lock);
  const locked = entry === null ? undefined : lock.models[entry];
  return locked !== undefined && outdated(model, locked).length === 0 ? locked : null;
}

/** Under which name a model's entry is written; see {@link entryOf}. `base`: the stack without an environment. */
export function entryNameFor(model: ModelSpec, environment: string | null, base: Desired): string {
  const below = base.models.find(({ name }) => name === model.name);
  return environment === null || (below && asksForTheSame(below, model)) ? model.name : `${model.name}@${environment}`;
}

function asksForTheSame(a: ModelSpec, b: ModelSpec): boolean {
  return wishOf(a) === wishOf(b);
}

/** All that decides which weights a model gets, as one text. */
export function wishOf({ source, quantizations, sha256 }: ModelSpec): string {
  return JSON.stringify([source.written, source.kind === 'hf' ? source.revision : null, quantizations, sha256]);
}

/** Why an entry does not hold for a model; empty if it does. A quantization that is not told counts as acceptable only where none can be told: for weights without a GGUF header. */
export function outdated(model: ModelSpec, locked: LockedModel): readonly Outdated[] {
  const { source, quantizations, sha256 } = model;
  if (locked.source !== source.written) return [{ what: 'source', pinned: locked.source, wanted: source.written }];
  const why: Outdated[] = [];
  if (source.kind === 'hf' && source.revision !== locked.revision)
    why.push({ what: 'revision', pinned: locked.revision, wanted: source.revision });
  if (!isAcceptable(quantizations, locked))
    why.push({ what: 'quantization', pinned: locked.quantization, wanted: quantizations.join(', ') });
  if (sha256 !== null && sha256 !== locked.sha256) why.push({ what: 'sha256', pinned: locked.sha256, wanted: sha256 });
  return why;
}

function isAcceptable(quantizations: readonly string[], { quantization, facts }: LockedModel): boolean {
  if (quantizations.length === 0 || (quantization === null && facts === null)) return true;
  return quantization !== null && quantizations.some((name) => matchOf(quantization, name) !== null);
}

/**
 * Entries that no model needs: the model is gone, its environment is gone, or the environment asks for the same as the
 * rest by now. Models that are declared and not acted on keep theirs.
 */
export function unusedEntries(lock: Lock, { base, overlays }: WholeStack): readonly string[] {
  const needed = new Set([...namesIn(base), ...(base.inertModels ?? [])]);
  for (const overlay of overlays) {
    for (const name of overlay.inertModels ?? []) needed.add(`${name}@${overlay.environment}`);
    for (const model of overlay.models) needed.add(entryNameFor(model, overlay.environment, base));
  }
  return Object.keys(lock.models)
    .filter((name) => !needed.has(name))
    .sort(compareText);
}

function namesIn(desired: Desired): readonly string[] {
  return desired.models.map(({ name }) => name);
}
