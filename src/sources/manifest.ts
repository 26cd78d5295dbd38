import { ProblemError } from '../domain/problem.ts';
import type { Beside } from '../domain/weights.ts';

/** A blob that a manifest names. */
export interface Layer {
  /** SHA-256, hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What a manifest of an Ollama registry says of a model. */
export interface Manifest {
  readonly weights: Layer;
  /** JSON: format, family, quantization; null: there is none. */
  readonly config: Layer | null;
  /** The template in Ollama's own language; null: the one in the weights is used. */
  readonly template: Layer | null;
  /** Texts of licenses. */
  readonly licenses: readonly Layer[];
  /** Kinds of its further layers that an engine would have to be given, sorted. */
  readonly beside: readonly Beside[];
}

const KIND = 'application/vnd.ollama.image.';
const SCHEMA = 2;
const BESIDE = ['adapter', 'projector'] as const;

/**
 * Reads a manifest: `{schemaVersion: 2, config: {digest, size}, layers: [{mediaType, digest, size}]}`. Pure. Throws a
 * ProblemError `manifest-unusable` for a model that is not one GGUF file. `name`: for people. Source: manifest/manifest.go
 * and server/images.go of Ollama.
 */
export function readManifest(value: object, name: string): Manifest {
  const { schemaVersion, config, layers } = value as {
    readonly schemaVersion?: unknown;
    readonly config?: unknown;
    readonly layers?: unknown;
  };
  if ('manifests' in value) throw unusable(name, 'is an index of images, not a model');
  if (schemaVersion !== SCHEMA || !Array.isArray(layers)) throw unusable(name, 'is no manifest of a model');
  const named = layers.map((layer: unknown) => ({ kind: kindOf(layer), layer: layerOf(layer, name) }));
  const of = (...kinds: readonly string[]): readonly Layer[] => named.filter(({ kind }) => kinds.includes(kind)).map(({ layer }) => layer);
  const [weights, ...more] = of('model');
  if (more.length > 0)
    throw unusable(name, `is split into ${more.length + 1} files of weights, which llmops does not take from a registry`);
  if (!weights) throw unusable(name, withoutWeights(new Set(named.map(({ kind }) => kind))));
  const beside = BESIDE.filter((kind) => of(kind).length > 0);
  return { weights, config: configOf(config, name), template: of('template', 'prompt').at(-1) ?? null, licenses: of('license'), beside };
}

function withoutWeights(kinds: ReadonlySet<string>): string {
  if (kinds.has('tensor')) return 'consists of single tensors (safetensors, for MLX), not of a GGUF file';
  if (kinds.size === 0) return 'has no weights: it stands for a model that runs in the cloud';
  return `has no layer of weights, only ${[...kinds].sort().join(', ')}`;
}

/** `model` of `application/vnd.ollama.image.model`; of another maker's layer, its whole type. */
function kindOf(layer: unknown): string {
  const { mediaType } = (layer ?? {}) as { readonly mediaType?: unknown };
  const type = typeof mediaType === 'string' ? mediaType.slice(0, 100).replace(/[^\w.+/-]/g, '_') : '';
  return type.startsWith(KIND) ? type.slice(KIND.length) : type;
}

/** A model that was made elsewhere has an empty digest where its configuration would be. */
function configOf(config: unknown, name: string): Layer | null {
  const { digest } = (config ?? {}) as { readonly digest?: unknown };
  return digest === undefined || digest === '' ? null : layerOf(config, name);
}

function layerOf(layer: unknown, name: string): Layer {
  const { digest, size } = (layer ?? {}) as { readonly digest?: unknown; readonly size?: unknown };
  const [, hex] = typeof digest === 'string' ? (/^sha256:([0-9a-f]{64})$/.exec(digest) ?? []) : [];
  if (hex === undefined || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw unusable(name, 'names a layer without a SHA-256 digest and a size');
  return { sha256: hex, bytes: size };
}

/** A model of a registry that cannot be used; `what` follows its name. */
export function unusable(name: string, what: string): ProblemError {
  return new ProblemError({
    code: 'manifest-unusable',
    summary: `${name} ${what}. Nothing was changed.`,
    fix: 'Name another model or tag: one GGUF file is what llmops pins. Most models have such tags beside others.',
  });
}
