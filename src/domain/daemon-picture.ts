import type { Bake, Pin, Suspension } from './holds.ts';
import type { Problem } from './problem.ts';

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
  /** What it works towards, in words: `commit 7c1e2aa`, `generation 41`. */
  readonly target: string;
  /** Why it does not go on, the first first; empty: it does, or it is done. */
  readonly stalled: readonly Problem[];
  /** `covers`: its changes one by one, for an approval. */
  readonly parked: {
    readonly key: string;
    readonly why: string;
    readonly summary: string;
    readonly until: string | null;
    readonly covers: readonly string[];
  } | null;
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

/** In the manner of Flux: `Ready` the newest release is in force · `Reconciling` it is on its way · `Stalled` it will not be without a person. `reason` is an open set. */
export interface DaemonCondition {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}
