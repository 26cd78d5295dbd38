import type { StepIo } from '../../domain/backend.ts';
import { heldKey } from '../../domain/observed.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import { ProblemError } from '../../domain/problem.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import { settingNotInForce } from '../kit/readback.ts';
import { alone } from './alone.ts';
import { createParameters } from './fields.ts';
import { instanceText, type InstanceMark } from './marker.ts';
import { baseName, derivedName } from './names.ts';
import { describeOurs, heldKeyOf } from './observe.ts';
import { findOurs, lookAgain, showTag, tagNamed, type Ours, type Parts } from './parts.ts';

/**
 * Makes the derived model of an instance from its pristine weights, never from itself: parameters are merged over those of what it
 * is made from, and none can be taken away again. Done when it is on the server's list as it should be; loading it is the probe's.
 */
export async function startInstance(spec: InstanceSpec, parts: Parts, io: StepIo): Promise<void> {
  throwIfCancelled(io.signal, `starting ${spec.model}`);
  await alone(spec.id, parts, io, () => makeInstance(spec, parts, io));
}

async function makeInstance(spec: InstanceSpec, parts: Parts, io: StepIo): Promise<void> {
  parts.notes.noteFailure(spec.id, null);
  const base = await findBase(spec, parts, io.signal);
  const before = await findOurs(spec.id, parts, io.signal);
  if (before !== null && (await whyNot(spec, base.blob, before, parts, io.signal)) === null) return;
  const name = before?.tag.name ?? nameOf(spec, base.blob, parts);
  await parts.client.create(requestFor(spec, name, base, parts), io.signal);
  const made = await lookAgain(() => findOurs(spec.id, parts, io.signal), parts, io.signal);
  const why = made === null ? 'it is not on the list' : await whyNot(spec, base.blob, made, parts, io.signal);
  // Had somebody taken the base away in between, Ollama would have pulled whatever has its name in the registry.
  await findBase(spec, parts, io.signal);
  if (made === null || why !== null) throw new ProblemError(notMade(spec, why ?? ''));
  parts.notes.noteBlob(made.tag.digest, base.blob);
}

interface Base {
  readonly name: string;
  /** Digest of the (first) weight blob, hex. */
  readonly blob: string;
}

/** The pristine weights of an instance, which must be on the server and be what their name says. */
async function findBase(spec: InstanceSpec, parts: Parts, signal: AbortSignal): Promise<Base> {
  const key = heldKey(spec.weights);
  const found = await lookAgain(async () => tagNamed(baseName(key), await parts.client.tags(signal)), parts, signal);
  const blob = found && (await heldKeyOf(found, parts, signal)) === key ? (await showTag(found, parts, signal))?.blob : null;
  if (!found || !blob) throw new ProblemError(notHeld(spec, parts));
  return { name: found.name, blob };
}

function nameOf({ model, specHash, stack }: InstanceSpec, blob: string, { stackId, backendId }: Parts): string {
  return derivedName({ model, specHash, stackId, backendId, blobId: blob.slice(0, 12) }, stack);
}

function requestFor(spec: InstanceSpec, name: string, base: Base, parts: Parts) {
  const { system, template, renderer, parser } = spec.options;
  const parameters = createParameters(spec);
  return {
    model: name,
    from: base.name,
    ...(Object.keys(parameters).length > 0 && { parameters }),
    ...(typeof system === 'string' && { system }),
    ...(typeof template === 'string' && { template }),
    ...(typeof renderer === 'string' && { renderer }),
    ...(typeof parser === 'string' && { parser }),
    license: instanceText(markFor(spec, base.blob, parts)),
  };
}

function markFor(
  { id, model, specHash, stack, backend, weights, options, fields }: InstanceSpec,
  blob: string,
  { stackId }: Parts,
): InstanceMark {
  const { parameters } = options;
  const keepAlive = fields['options.keepAlive'];
  const declared = Object.keys((parameters ?? {}) as object).sort();
  const keptMs = typeof keepAlive === 'number' ? keepAlive : null;
  return { v: 1, stackId, stack, backend, model, id, specHash, digest: weights.sha256, blob, keepAlive: keptMs, parameters: declared };
}

/** Why a model on the list is not the one that this instance is made as; null: it is. */
async function whyNot(spec: InstanceSpec, blob: string, found: Ours, parts: Parts, signal: AbortSignal): Promise<string | null> {
  const shown = await showTag(found.tag, parts, signal);
  const seen = await describeOurs(found, { tags: [found.tag], rows: [] }, parts, signal);
  if (seen === null || shown === null) return 'it went away again';
  if (shown.blob !== blob) return 'it has other weights';
  if (instanceText(markFor(spec, blob, parts)) !== lastLines(shown.license)) return 'it does not carry its mark';
  return settingNotInForce(spec, seen)?.summary ?? null;
}

/** The mark is two lines, behind the licences of the weights. */
function lastLines(license: string): string {
  return license.trimEnd().split('\n').slice(-2).join('\n');
}

function notHeld({ model }: Pick<InstanceSpec, 'model'>, { spec }: Parts) {
  return {
    code: 'weights-not-held',
    summary: `The Ollama server of backend ${spec.name} does not have the weights of ${model} as they were pinned. Nothing was started.`,
    fix: 'Plan again: llmops plan',
  };
}

function notMade({ model }: InstanceSpec, why: string) {
  return {
    code: 'setting-not-in-force',
    summary: `Ollama says that it made ${model}, and ${why}.`,
    fix: 'See whether somebody else changes models on that server. `llmops apply` makes it anew.',
  };
}
