import { mapBounded, sharing } from '../domain/bounded.ts';
import type { Desired, ModelSpec } from '../domain/desired.ts';
import { ofModel, ProblemError, type Problem } from '../domain/problem.ts';
import type { Lock, LockedModel } from '../domain/weights.ts';
import { entryNameFor, outdated, wishOf } from './compare.ts';
import { isInside } from './entries.ts';
import { freshText } from './fields.ts';
import { readWritten } from './parse.ts';

/** Looks one source up, wherever it is. Fails with a ProblemError. */
export type Resolve = (model: ModelSpec) => Promise<LockedModel>;

/** Sources that are looked up at once: enough to hide the way there, too few to be taken for an attack. */
const AT_ONCE = 4;

/**
 * Looks the chosen models up, side by side, and gives the lock with their entries replaced. A model that fails keeps the
 * entry that it had, stops no other, and is told with its place in llmops.yaml. Models that ask for the same are looked
 * up once. `base`: the stack without an environment, if `desired` has one. Throws `cancelled`, and what is a bug.
 */
export async function lockModels(
  desired: Desired,
  lock: Lock,
  resolve: Resolve,
  chosen: readonly string[],
  base: Desired = desired,
): Promise<{ readonly lock: Lock; readonly problems: readonly Problem[] }> {
  const models = desired.models.filter(({ name }) => chosen.includes(name));
  const results = await mapBounded(
    models,
    AT_ONCE,
    // Also while the first look still goes on: two looks could find two commits.
    sharing(wishOf, (model) => settle(model, resolve)),
  );
  const entries: Record<string, LockedModel> = Object.assign(Object.create(null) as Record<string, LockedModel>, lock.models);
  const problems: Problem[] = [];
  for (const [index, model] of models.entries()) {
    const result = results[index]!;
    if ('thrown' in result) throw result.thrown;
    const found = 'problem' in result ? result : verify(model, result.locked);
    if ('problem' in found) problems.push(ofModel(model.name, found.key, found.problem, desired.places));
    else entries[entryNameFor(model, desired.environment, base)] = found.locked;
  }
  return { lock: { ...lock, models: entries }, problems };
}

type Found = { readonly locked: LockedModel } | { readonly problem: Problem; readonly key: string };

/** What is no problem of this model ends everything, but not before the others are done: nothing may go on in the background. */
async function settle(model: ModelSpec, resolve: Resolve): Promise<Found | { readonly thrown: unknown }> {
  try {
    return { locked: await resolve(model) };
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code === 'cancelled') return { thrown: error };
    return { problem: error.problem, key: 'source' };
  }
}

/** What was found must be what was asked for: an entry that is out of date from the start would be looked up for ever. */
function verify(model: ModelSpec, locked: LockedModel): Found {
  const { problems } = readWritten(freshText({ models: { [model.name]: locked }, engines: {} }), model.name);
  const unsafe = locked.files.find(({ path }) => !isInside(path));
  if (unsafe !== undefined) return { problem: leavesItsFolder(model, unsafe.path), key: 'source' };
  if (problems[0] !== undefined) return { problem: notWritable(model, problems[0].summary), key: 'source' };
  const [why] = outdated(model, locked);
  switch (why?.what) {
    case undefined:
      return { locked };
    case 'sha256':
      return { problem: otherWeights(model, locked), key: 'sha256' };
    case 'quantization':
      return { problem: otherQuantization(model, locked), key: 'quantization' };
    default:
      throw new Error(`${model.name}: asked for ${why?.what} ${why?.wanted}, and was told of ${why?.pinned}`);
  }
}

/** Whoever answers with nonsense is told so; the next command would find the whole lock damaged. */
function notWritable({ name, source }: ModelSpec, why: string): Problem {
  return {
    severity: 'error',
    code: 'lock-unwritable',
    summary: `What ${source.written} is said to be cannot be pinned: ${why}. ${name} was not pinned.`,
    fix: 'See what answers there; a mirror or a registry may be broken.',
  };
}

function leavesItsFolder({ name, source }: ModelSpec, path: string): Problem {
  return {
    severity: 'error',
    code: 'invalid-path',
    summary: `${source.written} names a file ${JSON.stringify(path)}, which would leave the folder that it is put into. ${name} was not pinned.`,
    fix: 'Do not use this source: no honest one does that.',
  };
}

function otherWeights({ name, source, sha256 }: ModelSpec, locked: LockedModel): Problem {
  return {
    severity: 'error',
    code: 'digest-mismatch',
    summary: `${source.written} has SHA-256 ${locked.sha256}, and ${name} declares another. It was not pinned.`,
    expected: sha256 ?? '',
    fix: `If the new weights are meant, set models.${name}.sha256 to ${locked.sha256}.`,
  };
}

function otherQuantization({ name, source, quantizations }: ModelSpec, { quantization }: LockedModel): Problem {
  return {
    severity: 'error',
    code: 'quantization-mismatch',
    summary: `${source.written} ${quantization === null ? 'does not say how it is quantized' : `is quantized as ${quantization}`}, and ${name} declares otherwise. It was not pinned.`,
    expected: quantizations.join(', '),
    fix: quantization === null ? `Take models.${name}.quantization away.` : `Set models.${name}.quantization to ${quantization}.`,
  };
}
