import type { InstanceSpec } from './desired.ts';
import type { Fields } from './fields.ts';
import type { Problem } from './problem.ts';
import { isOpen } from './weights.ts';

/**
 * One backend as last seen. "Unreachable" is not "empty": nothing is created or deleted on a guess.
 */
export type ObservedBackend =
  | {
      readonly status: 'reachable';
      readonly name: string;
      readonly type: string;
      readonly engine: Engine;
      readonly instances: readonly ObservedInstance[];
      /** Memory that instances of this backend share. Empty: not known. */
      readonly memory: readonly MemoryPool[];
      /** Digests of the weights that an engine with a store of its own holds, as {@link heldKey} names them. Absent: it reads files of this machine. */
      readonly held?: readonly string[];
      /** Weights that an engine with a store of its own cannot fetch as they are pinned. Absent: none, or nobody looked. */
      readonly unpullable?: readonly Unpullable[];
      /** Copies of somebody else's that declared models could take over. Absent: none, or nobody looked. */
      readonly candidates?: readonly Candidate[];
    }
  | { readonly status: 'unreachable'; readonly name: string; readonly type: string; readonly problem: Problem };

/** Weights that an engine cannot fetch itself as they are pinned. */
export interface Unpullable {
  /** As {@link heldKey} names them. */
  readonly key: string;
  /**
   * `tag-moved`: the name that it would fetch by stands for something else now · `no-redirect`: their registry sends files in a way that the engine
   * does not take · `gone`: the name stands for something else, and the registry does not have them any more.
   */
  readonly why: 'tag-moved' | 'no-redirect' | 'gone';
  /** True: the engine has the files already, under other names. */
  readonly hasFiles: boolean;
}

/** The program that runs models. It can be absent while instances that it started still run. */
export type Engine =
  | {
      readonly status: 'present';
      /** Path or URL. */
      readonly at: string;
      /** What people call it, where that is not the end of its path: `Ollama`. */
      readonly name?: string;
      readonly version: string;
      /** Long flags or features it understands; empty where that is not a question. */
      readonly capabilities: readonly string[];
    }
  | { readonly status: 'absent'; readonly problem: Problem };

export interface MemoryPool {
  readonly kind: 'ram' | 'vram';
  readonly name: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/**
 * `starting` loads weights · `serving` answers · `failed` ended or cannot serve, with the reason ·
 * `unknown` is there and does not answer: never touched on a guess.
 */
export type Phase = 'starting' | 'serving' | 'failed' | 'unknown';

/** One running (or just ended) copy of a model. */
export interface ObservedInstance {
  readonly id: string;
  /** `ours`: marked by this stack. `foreign`: anybody else's; shown, never touched. */
  readonly owner: 'ours' | 'foreign';
  readonly backend: string;
  /** The name it serves; null if it does not say. */
  readonly model: string | null;
  /** What it was started from; null for foreign ones. */
  readonly specHash: string | null;
  readonly phase: Phase;
  /** Base URL without a trailing slash: http://127.0.0.1:41234, or null. */
  readonly endpoint: string | null;
  /** Names under which clients reach it at that address, where several models share one. Absent: whatever they send, they reach it. */
  readonly names?: readonly string[];
  /** What the engine was told. A null value: it was not told. */
  readonly configured: Fields;
  /** What the engine says is in force; null: it does not answer. A null value: it does not tell this one. */
  readonly loaded: Fields | null;
  /** Requests being worked on; null: it does not say. */
  readonly activeRequests: number | null;
  /** Resident memory in bytes; null: not known. */
  readonly memoryBytes: number | null;
  /** ISO 8601 time of start, or null. */
  readonly startedAt: string | null;
  /** Of one that has ended: ISO 8601 time at which it was last known to live. Absent: it lives, or that is not known. */
  readonly lastAliveAt?: string;
  readonly process: ProcessIdentity | null;
  readonly logFile: string | null;
  /** For `failed` and `unknown`: why. */
  readonly problem: Problem | null;
}

/** A copy that somebody else started from the weights of a declared model, with its settings read as if it were ours. */
export interface Candidate {
  /** The declared model. */
  readonly model: string;
  /** `configured` holds every setting that the engine can be told, null where it was not; one that it cannot be told is absent. */
  readonly copy: ObservedInstance;
  /** Why it cannot be taken over, to be used within a sentence; null: only its settings decide. */
  readonly obstacle: string | null;
  /** True: the obstacle may go by itself, as it is loading or busy. Absent: it stays. */
  readonly passing?: true;
  /** What a person should know of it before it is taken over; null: nothing. */
  readonly warning: string | null;
}

/** A process, told apart from a later one with the same number. Source: proc(5), `starttime`. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal exactly if it is the same process of the same boot. */
  readonly started: string;
}

/** What we made and what we last applied. Losing it costs history, never correctness. */
export interface Inventory {
  /** Number of the last applied generation, or null. */
  readonly generation: number | null;
  readonly appliedAt: string | null;
  /** What ended all that was applied. Absent: something is applied, or nothing ever was. */
  readonly endedBy?: 'down' | 'destroy';
  readonly models: Readonly<Record<string, AppliedModel>>;
  /** Where clients are sent, per model. */
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  /** Steps whose begin is in the journal and whose end is not: a run was cut off there. */
  readonly pending: readonly PendingStep[];
  /** By model: its last start that failed, until just that is applied after all. Absent: none. */
  readonly failures?: Readonly<Record<string, FailedTry>>;
  /** By model, until it is applied: as what runs started it that did not come to their end, so that such a copy is known for ours. Absent: none. */
  readonly left?: Readonly<Record<string, readonly string[]>>;
}

/** A start that failed, so that the same is not begun again by itself, and not without a word by a person. */
export interface FailedTry {
  readonly specHash: string;
  /** Program and version for people, as it was then; another one may do better. null: not known. */
  readonly engine: string | null;
  readonly generation: number;
  /** ISO 8601. */
  readonly at: string;
  /** Code of the problem, and its sentence. */
  readonly code: string;
  readonly summary: string;
}

/** The default of `rollout.drain`, in milliseconds. */
export const USUAL_DRAIN_MS = 60_000;

export interface AppliedModel {
  readonly backend: string;
  readonly specHash: string;
  readonly fields: Fields;
  /** What it was started from, so that it can be put back if its successor fails. Absent: recorded by an earlier version. */
  readonly spec?: InstanceSpec;
  readonly protect: boolean;
  /** How long its requests may take when it is taken down, in milliseconds; absent: {@link USUAL_DRAIN_MS}. */
  readonly drainMs?: number;
  /** Milliseconds that it took from its start until it answered. Absent: not known. */
  readonly startMs?: number;
  readonly generation: number;
  readonly at: string;
}

export interface Endpoint {
  readonly instance: string;
  readonly url: string;
}

/** What names weights in an engine's own store: the manifest where there is one, since the same weights come with other templates; else, and where they are handed over as files, their digest. */
export function heldKey({ remote, sha256 }: InstanceSpec['weights']): string {
  return (remote !== undefined && isOpen(remote.origin) ? remote.manifest : null) ?? sha256;
}

export interface PendingStep {
  readonly run: string;
  readonly step: string;
  readonly op: string;
  readonly model: string;
  readonly at: string;
}
