import type { DaemonPicture } from './daemon-picture.ts';
import type { Holds } from './holds.ts';
import type { Scalar } from './fields.ts';
import type { MemoryPool, Phase } from './observed.ts';
import type { Foreign } from './plan.ts';
import type { Problem } from './problem.ts';

/** The current picture of a stack: what is wanted, what engines were told, what is in force, and why they differ. */
export interface Status {
  readonly formatVersion: '1.0';
  readonly stack: string;
  /** Path of llmops.yaml as people should see it; null if it could not be read. */
  readonly file: string | null;
  readonly environment: string | null;
  /** When this was looked at, ISO 8601. */
  readonly at: string;
  /** {@link Desired.revision}; null if the file could not be read. */
  readonly revision: string | null;
  /** The last applied generation, and what ended all of it, if that was so; null: none yet. */
  readonly applied: {
    readonly generation: number;
    readonly at: string | null;
    readonly revision: string | null;
    readonly endedBy?: 'down' | 'destroy';
  } | null;
  /** Who is changing the stack right now, in words; null: nobody, or not asked. */
  readonly holder: string | null;
  /** What stays and starts anew what crashes (`llmops apply --supervise`); null: nothing does, or not asked. */
  readonly supervisor: Omit<Supervision, 'retries'> | null;
  /** What `llmops up` is at; null: it does not run for this stack, or was not asked. */
  readonly daemon: DaemonPicture | null;
  /** What the next `llmops up` will heed; null: one runs and tells it, or nothing is held. */
  readonly held: Pick<Holds, 'suspended' | 'pin'> | null;
  readonly backends: readonly BackendStatus[];
  /** Sorted by name: declared, applied before, or running as ours. */
  readonly models: readonly ModelStatus[];
  readonly foreign: readonly Foreign[];
  readonly conditions: readonly Condition[];
  /**
   * How many models are declared, how many of these serve clients as declared (`ready`, `unmanaged`, or `unsettled` and published), and how
   * many answer clients at all, as declared or not.
   */
  readonly summary: { readonly declared: number; readonly ready: number; readonly serving: number };
}

/** A process that looks after a stack. */
export interface Supervision {
  readonly pid: number;
  /** As it was called: `llmops up`. Absent: not told. */
  readonly command?: string;
  /** `alice@gpu-box` */
  readonly who: string;
  /** ISO 8601. */
  readonly since: string;
  /** What it is about to start anew, sorted by name. */
  readonly retries: readonly ({ readonly model: string } & Retry)[];
}

/** A model that ended and is started anew. */
export interface Retry {
  /** How often it ended, or was tried in vain, since it last ran for a while. */
  readonly times: number;
  /** ISO 8601 time of the next start. */
  readonly nextAt: string;
  /** What happened to it, one sentence or more. */
  readonly why: string;
}

export interface BackendStatus {
  readonly name: string;
  readonly type: string;
  readonly status: 'reachable' | 'unreachable';
  /** Program and version for people: `llama-server 0.7.0`; null if it is absent or not known. */
  readonly engine: string | null;
  readonly memory: readonly MemoryPool[];
  readonly problem: Problem | null;
}

/**
 * `ready` runs as declared · `starting` loads · `drifted` runs, not as it was applied · `outdated` runs as applied, and
 * the file asks for something else now · `unsettled` runs as declared, and llmops has its own part left to do: send clients to
 * it, end a copy that is left over, or record it · `unmanaged` runs as declared, and somebody else started it · `failed` ended or cannot serve · `absent` does not run · `removed` runs and is
 * not declared any more · `blocked` cannot be acted on · `unknown` nobody can tell.
 */
export type ModelState =
  | 'ready'
  | 'starting'
  | 'drifted'
  | 'outdated'
  | 'unsettled'
  | 'unmanaged'
  | 'failed'
  | 'absent'
  | 'removed'
  | 'blocked'
  | 'unknown';

export interface ModelStatus {
  readonly name: string;
  readonly backend: string;
  readonly state: ModelState;
  /** `absent`: there is no instance of ours. */
  readonly phase: Phase | 'absent';
  /** The copy that counts most: one that serves, then the one clients are sent to, then the newest; null: none. */
  readonly instance: string | null;
  /** Further instances of ours that serve this model. */
  readonly copies: readonly string[];
  /** Where the instance answers; null: nowhere. */
  readonly endpoint: string | null;
  /** True if clients are sent to this instance, at its present address. */
  readonly published: boolean;
  /** The three columns, setting by setting, sorted by name. */
  readonly settings: readonly SettingStatus[];
  /** Why it is not `ready`, one sentence; null for `ready`. */
  readonly why: string | null;
  readonly fix: string | null;
  readonly startedAt: string | null;
  /** Of one that has ended: ISO 8601 time at which it was last known to live. Absent: it lives, or that is not known. */
  readonly lastAliveAt?: string;
  /** What supervises is about to start it anew. Absent: that is not so. */
  readonly retry?: Retry;
  readonly memoryBytes: number | null;
  readonly activeRequests: number | null;
  /** Generation in which it was last applied. */
  readonly generation: number | null;
  readonly conditions: readonly Condition[];
}

/** One setting, three times. A member is absent where nobody can say; null where the engine decides or does not tell. */
export interface SettingStatus {
  readonly field: string;
  readonly desired?: Scalar;
  readonly configured?: Scalar;
  readonly loaded?: Scalar;
}

/** In the manner of Kubernetes: a statement that holds, does not, or cannot be judged. `reason` is for programs, an open set. */
export interface Condition {
  readonly type: 'Ready' | 'Drifted' | 'Blocked' | 'Synced';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}
