import type { Bake, Pin, Suspension } from './holds.ts';
import type { Attached } from './kept.ts';
import type { Problem } from './problem.ts';

/** A model that is left as it is, because somebody else changes it back each time. */
export interface HeldModel {
  readonly model: string;
  /** What the two fight about. */
  readonly field: string;
  /** What was seen, one sentence or more. */
  readonly why: string;
}

/** Why the newest state of the source is not worked towards. */
export interface SourceTrouble {
  /** `invalid` it does not read as a stack · `refused` it may not be followed · `unavailable` the source cannot be read. */
  readonly kind: 'invalid' | 'refused' | 'unavailable';
  /** Full name of the commit that it is about; null: not known, or not of git. */
  readonly commit: string | null;
  /** ISO 8601. */
  readonly since: string;
  readonly problems: readonly Problem[];
}

/** What a daemon is at: its answer to `llmops status`. */
export interface DaemonPicture {
  readonly formatVersion: '1.0';
  readonly pid: number;
  /** `alice@gpu-box` */
  readonly who: string;
  /** When it began, ISO 8601. */
  readonly since: string;
  /** When this was told, ISO 8601. */
  readonly at: string;
  /** For people: `main of origin`, or the path of the file. */
  readonly follows: string;
  readonly phase: 'looking' | 'applying' | 'idle' | 'suspended' | 'stopping';
  /** How long the last look at everything took, with what was done, in milliseconds; null: there was none yet. */
  readonly roundMs: number | null;
  /** The newest release that was found; null: none yet. */
  readonly newest: { readonly release: string; readonly commit: string | null; readonly subject: string | null } | null;
  /** True: what runs is that. */
  readonly inForce: boolean;
  /** What came after it; null: nothing did, or it may be used. */
  readonly trouble: SourceTrouble | null;
  /** What it works towards, in words: `commit 7c1e2aa`, `generation 41`. */
  readonly target: string;
  /** What it does not get past without a person; empty: there is nothing of that kind. A problem of one model names it. */
  readonly stalled: readonly Problem[];
  /** A plan that waits. `until` null: until it is approved. `models`: whose changes these are. `covers`: these one by one, for an approval. */
  readonly parked: {
    readonly key: string;
    readonly why: string;
    readonly summary: string;
    readonly until: string | null;
    readonly models: readonly string[];
    readonly covers: readonly string[];
  } | null;
  readonly held: readonly HeldModel[];
  /** What is tried again, and when. */
  readonly waiting: readonly { readonly model: string; readonly why: string; readonly times: number; readonly at: string }[];
  /** By model; `*`: the whole stack. */
  readonly suspended: Readonly<Record<string, Suspension>>;
  readonly pin: Pin | null;
  readonly bake: Bake | null;
  /** Keys of `daemon:` that were edited since it began, and count only when it is started anew. */
  readonly outdated: readonly string[];
  readonly conditions: readonly DaemonCondition[];
}

/** The newest release as it was read: what a daemon works towards, whatever lies on disk. Secrets in it are references. */
export interface FollowedRelease {
  readonly release: string;
  /** Full name; null: not of git. */
  readonly commit: string | null;
  readonly environment: string | null;
  /** llmops.yaml */
  readonly text: string;
  /** llmops.lock; null: there is none. */
  readonly lock: string | null;
  readonly attached: Attached;
}

/**
 * In the manner of Flux: `Ready` the newest release is in force, and nothing newer is known of · `Reconciling` it is on its way · `Stalled` something
 * does not go on without a person. `reason` is an open set.
 */
export interface DaemonCondition {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}
