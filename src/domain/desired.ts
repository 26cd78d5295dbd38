import type { DaemonSpec } from './daemon.ts';
import type { Fields } from './fields.ts';
import type { Beside, Origin, RemoteFile } from './weights.ts';
import type { PolicySpec } from './policy.ts';
import type { Place } from './problem.ts';
import type { RetentionSpec } from './retention.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** What llmops.yaml asks for, every default filled in. Plain data: bytes, milliseconds, no handles. */
export interface Desired {
  /** The name of the stack; names state, processes and metrics. */
  readonly stack: string;
  /** Path of llmops.yaml as people should see it. */
  readonly file: string;
  /** Environment overlay in force, if any. */
  readonly environment: string | null;
  /** SHA-256 over the meaning of the file (not its text), hex: moving a key or a comment does not change it. */
  readonly revision: string;
  readonly backends: readonly BackendSpec[];
  /** Sorted by name. */
  readonly models: readonly ModelSpec[];
  /** What is declared and valid, and that this version does not act on. Said in every plan, never ignored in silence. */
  readonly inert: readonly Inert[];
  /** Names of models that are declared, that this version does not act on, and that stand in `inert`: a running copy of one is left alone. Absent: none. */
  readonly inertModels?: readonly string[];
  /** `retention:`. Absent: as usual. */
  readonly retention?: RetentionSpec;
  /** `policy:`. Absent: nothing waits. */
  readonly policy?: PolicySpec;
  /** True: paths may leave the folder of llmops.yaml. Absent: they may not. */
  readonly allowOutside?: boolean;
  /** How the daemon works on it. Absent: nothing is said of that. */
  readonly daemon?: DaemonSpec;
  /** Where each declared value stands: `models.chat.context` -> place. Keys exist for what was written only. */
  readonly places: Readonly<Record<string, Place>>;
}

export interface Inert {
  /** `prompts.support`, `models.chat.fallback` */
  readonly path: string;
  /** Why not, in a few words: "prompts are not acted on yet". */
  readonly reason: string;
  readonly place: Place | null;
}

export interface BackendSpec {
  readonly name: string;
  readonly type: string;
  /** Bytes to leave free on this machine. */
  readonly reserve: { readonly vramBytes: number; readonly ramBytes: number };
  /** This type's own settings, normalized and checked against its schema. Secrets stay references. */
  readonly options: JsonObject;
}

/** Where weights come from; `written` as it stands in llmops.yaml. */
export type Source = { readonly written: string } & (
  | { readonly kind: 'file'; readonly path: string }
  /** `revision`: branch, tag or commit to follow; null: the repository's own default. `file`: path in it; null: chosen by quantization. */
  | { readonly kind: 'hf'; readonly repo: string; readonly revision: string | null; readonly file: string | null }
  | { readonly kind: 'https'; readonly url: string }
  /** Every part filled in: host `registry.ollama.ai`, name `library/qwen3`, tag `latest`. */
  | { readonly kind: 'ollama'; readonly host: string; readonly name: string; readonly tag: string }
);

export type DriftPolicy = 'correct' | 'warn' | 'ignore';
export type Strategy = 'auto' | 'surge' | 'swap' | 'canary';

export interface ModelSpec {
  readonly name: string;
  /** Name of a backend in the same stack. */
  readonly backend: string;
  readonly source: Source;
  /** Quantizations that are acceptable, best first; empty: any. Names as in GGUF: Q4_K_M. */
  readonly quantizations: readonly string[];
  /** Digest that the weights must have, hex, or null. */
  readonly sha256: string | null;
  /** Tokens for one request; null: the engine decides. */
  readonly context: number | null;
  readonly parallel: number;
  /** KV cache element type; null: the engine decides. */
  readonly kvCache: string | null;
  readonly offload: {
    readonly gpuLayers: number | 'all' | null;
    readonly cpuMoeLayers: number | null;
    /** Device names as the engine lists them; null: the engine decides. */
    readonly devices: readonly string[] | null;
  };
  readonly load: 'always' | 'on-demand';
  /** Per field, with `default` for the rest. */
  readonly drift: { readonly default: DriftPolicy; readonly fields: Readonly<Record<string, DriftPolicy>> };
  readonly rollout: { readonly strategy: Strategy; readonly holdMs: number; readonly drainMs: number; readonly bakeMs: number };
  /** A plan that would delete it is refused. */
  readonly protect: boolean;
  /** This backend's own settings for a model, normalized. */
  readonly options: JsonObject;
}

/** A file of weights that was looked at: what it is, so that a plan can name and price it. */
export interface Artifact {
  /** As written in llmops.yaml: `file:models/a.gguf`. */
  readonly source: string;
  /** Absolute path of the (first) file. */
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** What its header tells; null if it is no GGUF. */
  readonly gguf: GgufFacts | null;
  /** SHA-256 (hex) of other files that the model's options name, by the path as it stands there: a chat template. */
  readonly attachments?: Readonly<Record<string, string>>;
  /** Where it comes from and what of it is not on this machine yet. Absent: a file of this machine. */
  readonly remote?: RemoteWeights;
}

/** Weights that are pinned in llmops.lock and fetched before they are used. */
export interface RemoteWeights {
  readonly origin: Origin;
  /** SHA-256 (hex) of the manifest in an Ollama registry; null elsewhere. */
  readonly manifest: string | null;
  /** All of it, in the order of its parts. */
  readonly files: readonly RemoteFile[];
  /** What the source offers beside them and is not fetched. Absent: nothing that is known of. */
  readonly beside?: readonly Beside[];
  /** What is to be fetched; empty: all of it is here. */
  readonly missing: readonly RemoteFile[];
  /** True: it can be opened at the artifact's path as it is. */
  readonly ready: boolean;
  /** Where the (first) file lies now: in the store, or in another program's cache. Absent: it is not here, or nobody looked. */
  readonly here?: string;
  /** Bytes of `missing` that an earlier run fetched already. */
  readonly partialBytes: number;
}

export interface GgufFacts {
  readonly architecture: string;
  readonly name: string | null;
  /** From `general.file_type`: Q4_K_M; null if the file does not say. */
  readonly quantization: string | null;
  /** Tokens the model was trained for: `<arch>.context_length`. */
  readonly contextTrained: number | null;
  readonly layers: number | null;
  readonly embedding: number | null;
  readonly heads: number | null;
  /** KV heads per layer (grouped-query attention). */
  readonly kvHeads: number | null;
  readonly keyLength: number | null;
  readonly valueLength: number | null;
  readonly vocabulary: number | null;
  readonly experts: number | null;
  /** Width of the feed-forward layers: `<arch>.feed_forward_length`. Absent or null: not known, and estimated high. */
  readonly feedForward?: number | null;
  /** Sum of tensor sizes in bytes. */
  readonly tensorBytes: number;
}

/**
 * Everything a driver needs to start one instance, decided beforehand. Stored in saved plans and on the process, so it
 * holds no secret and no handle.
 */
export interface InstanceSpec {
  /** Deterministic: `<model>-<specHash>`. The same wish has the same id, so a repeated start finds its own work. */
  readonly id: string;
  readonly stack: string;
  readonly backend: string;
  readonly model: string;
  /** First 12 hex digits of SHA-256 over the fields that shape a process. */
  readonly specHash: string;
  readonly fields: Fields;
  readonly weights: {
    readonly path: string;
    readonly sha256: string;
    readonly bytes: number;
    /** For engines that fetch and keep weights themselves. Absent: a file of this machine. */
    readonly remote?: Pick<RemoteWeights, 'origin' | 'manifest' | 'files' | 'beside'>;
  };
  /** SHA-256 (hex) of the files that `options` name, by the path as it stands there. Absent: none, or started by an earlier version. */
  readonly attachments?: Readonly<Record<string, string>>;
  readonly options: JsonObject;
}
