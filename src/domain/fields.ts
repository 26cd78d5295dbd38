import type { Artifact, Json, ModelSpec } from './desired.ts';

/** One setting's value. `null` means: nobody said (in a wish: the engine decides; in an observation: the engine does not tell). */
export type Scalar = string | number | boolean | null;

/**
 * The settings of one instance, flat: `digest`, `context`, `offload.gpuLayers`, `options.flashAttention`.
 * The same names stand for the desired, the configured and the loaded side, so that they can be compared.
 */
export type Fields = Readonly<Record<string, Scalar>>;

/**
 * What changing a field costs, mildest first. A change costs as much as its worst field.
 * `live`: nothing stops · `drain`: new requests wait for old ones · `restart`: the engine process is started anew ·
 * `pull`: bytes are fetched as well · `replace`: it becomes another model.
 */
export const PRICES = ['live', 'drain', 'restart', 'pull', 'replace'] as const;
export type Price = (typeof PRICES)[number];

/** The dearest of several prices; `live` of none. */
export function worst(prices: readonly Price[]): Price {
  return prices.reduce<Price>((a, b) => (PRICES.indexOf(b) > PRICES.indexOf(a) ? b : a), 'live');
}

/**
 * How a value in force compares with the one that was asked for. `unfulfilled`: it is another one, and always was, because this
 * engine or machine cannot do what was asked: a restart would change nothing.
 */
export type Match = 'same' | 'moved' | 'unfulfilled';
/** Compares one field; `fields`: all that was asked for. Pure. */
export type Compare = (field: string, asked: Scalar, loaded: Scalar, fields: Fields) => Match;

/** For engines that do what they are told, to the letter. */
export const plainly: Compare = (_field, asked, loaded) => (asked === loaded ? 'same' : 'moved');

/** Portable fields: every backend that runs models prices each of them. */
export const PORTABLE_FIELDS = [
  'source', // as written, for people: a moved file with the same digest is the same model
  'digest', // SHA-256 of the weights, hex
  'context', // tokens for one request
  'parallel', // requests served at once
  'kvCache', // type of the KV cache's elements: f16, q8_0, ...
  'offload.gpuLayers', // number, 'all', or null (engine decides)
  'offload.cpuMoeLayers', // number or null
  'offload.devices', // comma-separated device names or null
  'chatTemplate', // SHA-256 of a template file, or a built-in template's name, or null (the model's own)
] as const;
export type PortableField = (typeof PORTABLE_FIELDS)[number];

/** What a model says in those fields. `chatTemplate` is missing: which template that is, each engine has words of its own for. */
export function portableFields(model: ModelSpec, artifact: Artifact): Readonly<Record<Exclude<PortableField, 'chatTemplate'>, Scalar>> {
  const { context, parallel, kvCache, offload } = model;
  return {
    source: artifact.source,
    digest: artifact.sha256,
    context,
    parallel,
    kvCache,
    'offload.gpuLayers': offload.gpuLayers,
    'offload.cpuMoeLayers': offload.cpuMoeLayers,
    'offload.devices': offload.devices?.join(',') ?? null,
  };
}

/** An option as a setting; null: nobody said, or it is no single value. */
export function asScalar(value: Json | undefined): Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** The option, and its field, with which a model keeps one port of this machine for good. Engines that do not run here call theirs something else. */
export const PORT_OPTION = 'port';
export const PORT_FIELD = `options.${PORT_OPTION}`;

/** The settings that somebody wishes for: one that left a portable field out would never see it change, so it does not compile. */
export type WishedFields = Readonly<Record<PortableField, Scalar>> & Fields;
