import { canonicalJson, type Hash } from '../domain/canonical.ts';
import type { Artifact, BackendSpec, Desired, InstanceSpec, ModelSpec } from '../domain/desired.ts';
import type { Fields, Price } from '../domain/fields.ts';
import type { AppliedModel } from '../domain/observed.ts';
import type { Wished } from '../domain/plan.ts';
import type { Place } from '../domain/problem.ts';
import { secretText } from '../domain/secret.ts';
import type { BackendTraits } from './input.ts';

/** One declared model, worked out as far as it can be without looking at the world. */
export interface Wish {
  readonly model: ModelSpec;
  readonly artifact: Artifact;
  readonly backend: BackendSpec;
  readonly traits: BackendTraits;
  readonly spec: InstanceSpec;
  /** What the inventory shall say once this is applied. */
  readonly applied: Omit<AppliedModel, 'at' | 'generation'>;
}

/** Which of the secrets that have been behind a reference a model is to run with, counted from 1. */
export interface NumberedSecret {
  readonly field: string;
  readonly reference: string;
  readonly number: number;
}

/** Works out a declared model: its settings on this backend, `secrets` among them, and the name of the process that has them. */
export function makeWish(
  desired: Desired,
  model: ModelSpec,
  artifact: Artifact,
  backend: BackendSpec,
  traits: BackendTraits,
  hash: Hash,
  secrets: readonly NumberedSecret[] = [],
): Wish {
  const fields = withNumbers(traits.fields(model, artifact, backend), secrets);
  const specHash = specHashOf(backend.name, fields, traits, hash);
  const spec: InstanceSpec = {
    id: `${model.name}-${specHash}`,
    stack: desired.stack,
    backend: backend.name,
    model: model.name,
    specHash,
    fields,
    weights: weightsOf(artifact),
    ...(artifact.attachments !== undefined && { attachments: artifact.attachments }),
    options: model.options,
  };
  const { protect, rollout } = model;
  const applied = { backend: backend.name, specHash, fields, spec, protect, drainMs: rollout.drainMs };
  return { model, artifact, backend, traits, spec, applied };
}

/** A secret that was looked at when the file named another one says nothing of this one. */
function withNumbers(fields: Fields, secrets: readonly NumberedSecret[]): Fields {
  const meant = secrets.filter(({ field, reference }) => fields[field] === reference);
  return { ...fields, ...Object.fromEntries(meant.map(({ field, reference, number }) => [field, secretText(reference, number)])) };
}

function weightsOf({ path, sha256, bytes, remote }: Artifact): InstanceSpec['weights'] {
  if (remote === undefined) return { path, sha256, bytes };
  const { origin, manifest, files, beside } = remote;
  return { path, sha256, bytes, remote: { origin, manifest, files, ...(beside && { beside }) } };
}

/** A wish as others may know it. What is left to the engine is left out: it is most of the settings of most models. */
export function wishedOf({ spec }: Wish): Wished {
  const fields = Object.fromEntries(Object.entries(spec.fields).filter(([, value]) => value !== null));
  return { specHash: spec.specHash, instance: spec.id, fields };
}

/**
 * The name of a process is a digest of everything that shapes it: the backend, its type, and each setting that cannot
 * be changed while it runs. `source` is for people: a moved file with the same digest is the same model. The backend's
 * name is part of it, so that a model that moves to another backend of the same type has two copies with two names.
 */
export function specHashOf(backend: string, fields: Fields, traits: BackendTraits, hash: Hash): string {
  const shaping = Object.fromEntries(Object.entries(fields).filter(([field]) => shapesProcess(traits, field)));
  return hash(canonicalJson({ backend, type: traits.type, fields: shaping })).slice(0, 12);
}

/** The price of a field. An option that its backend did not price costs a restart, which is always right. */
export function priceOf(traits: BackendTraits, field: string): Price {
  return field === 'source' ? 'live' : (traits.prices[field] ?? 'restart');
}

/** True if a process must be started anew to change this field. */
export function shapesProcess(traits: BackendTraits, field: string): boolean {
  return priceOf(traits, field) !== 'live';
}

const WRITTEN_AS: Readonly<Record<string, readonly string[]>> = {
  digest: ['source', 'sha256', 'quantization'],
  chatTemplate: ['options.chatTemplate', 'options.chatTemplateFile'],
};

/** Where a field of a model is declared: the key itself, or the nearest one above it that was written. */
export function placeOf(desired: Desired, model: string, field?: string): Place | null {
  const written = field === undefined ? [] : (WRITTEN_AS[field] ?? [field]);
  for (const path of [...written, ...written.flatMap(above), '']) {
    const place = desired.places[path === '' ? `models.${model}` : `models.${model}.${path}`];
    if (place !== undefined) return place;
  }
  return null;
}

/** `a.b.c` -> `a.b`, `a`. */
function above(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, -1 - index).join('.'));
}
