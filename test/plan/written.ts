import type { Artifact } from '../../src/domain/desired.ts';
import type { Fields } from '../../src/domain/fields.ts';
import type { Phase, Unpullable } from '../../src/domain/observed.ts';
import type { PlanInput } from '../../src/plan/index.ts';

/** `observed.yaml` of a case: the world in few words; what is not said is as declared. */
export interface WrittenWorld {
  readonly ask?: Partial<Pick<PlanInput, 'mode' | 'targets' | 'replace' | 'allowDestroy' | 'holdFailed' | 'adopt'>>;
  /** Of the disk that weights are fetched to: free GiB. */
  readonly diskFree?: number;
  /** By source as written; null: it could not be resolved. */
  readonly weights?: Readonly<Record<string, Partial<Artifact> | null>>;
  readonly backends: Readonly<Record<string, WrittenBackend>>;
}

export interface WrittenBackend {
  readonly type?: string;
  readonly status?: 'reachable' | 'unreachable';
  readonly engine?: 'present' | 'absent';
  /** Free and total GiB by pool; a pool called `ram` is RAM, any other a GPU. */
  readonly memory?: Readonly<Record<string, readonly [number, number]>>;
  readonly copies?: readonly WrittenCopy[];
  /** Names on an Ollama server that somebody else gave to models of their own. */
  readonly taken?: readonly string[];
  /** Weights that its engine cannot fetch as they are pinned. */
  readonly unpullable?: readonly Unpullable[];
}

export interface WrittenCopy {
  readonly model: string;
  /** Settings in which it differs from what is declared now. */
  readonly with?: Fields;
  /** What the engine says is in force, where that is not what it was told; `silent`: it says nothing. */
  readonly loaded?: Fields | 'silent';
  /** What it was told, where that is not what its name says. */
  readonly told?: Fields;
  readonly phase?: Phase;
  readonly owner?: 'ours' | 'foreign';
  /** Somebody else's, seen to serve the weights of this model: what stands in the way of taking it over, what is to be known before. */
  readonly candidate?: { readonly obstacle?: string; readonly passing?: true; readonly warning?: string };
  readonly port?: number;
  /** Names under which clients reach it at that address. */
  readonly names?: readonly string[];
  readonly requests?: number;
  readonly memory?: number;
  readonly problem?: string;
}

/** `inventory.yaml` of a case. */
export interface WrittenInventory {
  readonly generation: number;
  readonly models?: Readonly<
    Record<
      string,
      {
        readonly with?: Fields;
        readonly backend?: string;
        readonly protect?: boolean;
        readonly drainMs?: number;
        readonly startMs?: number;
      }
    >
  >;
  /** By model: the port that clients are sent to. */
  readonly endpoints?: Readonly<Record<string, number>>;
  /** Steps that a run began and did not end. */
  readonly pending?: readonly string[];
  /** Starts that failed: the settings in which they differed from what is declared now, and the engine that was there. */
  readonly failures?: Readonly<Record<string, { readonly with?: Fields; readonly engine?: string }>>;
}
