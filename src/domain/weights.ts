import type { GgufFacts } from './desired.ts';

/**
 * Where files of weights can be fetched from, pinned: the same bytes next year, or an error. Holds no secret; what it takes
 * to be let in is found when it is asked for (`HF_TOKEN`).
 */
export type Origin =
  /** A repository of the Hugging Face Hub, or of a mirror of it, at a commit (40 hex digits). */
  | { readonly kind: 'hf'; readonly repo: string; readonly commit: string }
  /** One file behind an address (`http` on loopback only). */
  | { readonly kind: 'https'; readonly url: string }
  /**
   * A registry that speaks Ollama's protocol; `name` is `namespace/model`, `host` a name with an optional port. Nothing can be
   * pulled by digest there: `tag` says what to ask for, and the manifest's digest, kept beside it, what must come.
   * `access`: `login` if it was not to be had without one; absent: everybody may have it.
   */
  | { readonly kind: 'ollama'; readonly host: string; readonly name: string; readonly tag: string; readonly access?: 'login' };

/** Registries that speak Ollama's protocol and that sources may name where nothing else is said. */
export const USUAL_REGISTRIES: readonly string[] = ['registry.ollama.ai', 'hf.co', 'huggingface.co'];

/** One file of an origin, known by its content. */
export interface RemoteFile {
  /** In a repository: its path there. Else a plain file name: what it is called on disk, and by people. */
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** True if an engine that fetches by itself is let in there: none can be given a user and a password. */
export function isOpen(origin: Origin): boolean {
  return origin.kind !== 'ollama' || origin.access === undefined;
}

/** What a source offers beside its weights, and an engine has to be given as a file of its own. */
export type Beside =
  /** Turns images and sounds into what the model reads (`mmproj`): without it the model reads text alone. */
  | 'projector'
  /** Changes the weights (LoRA): without it, it is another model. */
  | 'adapter';

/** What a source was when it was last resolved: one entry of llmops.lock. */
export interface LockedModel {
  /** As written in llmops.yaml then. An entry whose source reads otherwise now is out of date. */
  readonly source: string;
  /** Branch or tag that was followed; null: the default one, or none. */
  readonly revision: string | null;
  /** Of the files that were chosen: Q4_K_M; null: not told. */
  readonly quantization: string | null;
  /** null: a file of this machine. */
  readonly origin: Origin | null;
  /** SHA-256 (hex) of the manifest in an Ollama registry; null elsewhere. */
  readonly manifest: string | null;
  /** Weights, in the order of their parts. */
  readonly files: readonly RemoteFile[];
  /** What is there and is none of them, sorted. Absent: nothing, or an earlier version looked. */
  readonly beside?: readonly Beside[];
  /** {@link weightsDigest} of the files. */
  readonly sha256: string;
  /** SHA-256 (hex) of the chat template that comes with the weights; null: there is none. */
  readonly chatTemplate: string | null;
  /** SHA-256 (hex) of the tokenizer that comes with the weights; null: not known. */
  readonly tokenizer: string | null;
  /** SPDX name or the Hub's own word: apache-2.0; null: not told. */
  readonly license: string | null;
  /** What the header tells, so that a plan can price a model that is not here yet; null: it is no GGUF. */
  readonly facts: GgufFacts | null;
}

/** llmops.lock: pins each source, by model, and tells which engines it was made with, by backend. */
export interface Lock {
  readonly models: Readonly<Record<string, LockedModel>>;
  /** Program and version: `llama-server 0.7.0`. For people and for warnings; nothing is refused because of it. */
  readonly engines: Readonly<Record<string, string>>;
}

/**
 * The digest of weights: of one file its own SHA-256, of a split model the SHA-256 over the hex digests of its parts, each
 * followed by a line feed. In a shell: `sha256sum PARTS | cut -c1-64 | sha256sum`.
 */
export function weightsDigest(files: readonly Pick<RemoteFile, 'sha256'>[], hash: (text: string) => string): string {
  const [only, ...more] = files;
  return only !== undefined && more.length === 0 ? only.sha256 : hash(files.map(({ sha256 }) => `${sha256}\n`).join(''));
}

/** What a disk has left for weights. */
export interface Room {
  /** The folder that they are fetched to. */
  readonly dir: string;
  /** What this user may still write there, in bytes. */
  readonly freeBytes: number;
  /** What a fetch leaves free of that, for journals and logs. */
  readonly reserveBytes: number;
}
