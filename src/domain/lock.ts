import type { RemoteFile } from './weights.ts';

/**
 * How a model of llmops.yaml stands to llmops.lock. `not-needed`: a file of this machine without an entry, which works as
 * it is; with an entry it is held to it like any other.
 */
export type LockStatus = 'locked' | 'missing' | 'outdated' | 'not-needed';

/** Why an entry does not hold any more: what is pinned, and what llmops.yaml asks for. */
export interface Outdated {
  readonly what: 'source' | 'revision' | 'quantization' | 'sha256';
  /** null: none was pinned, or it was not told. */
  readonly pinned: string | null;
  /** null: the default. */
  readonly wanted: string | null;
}

/** One model's standing. */
export interface ModelLock {
  readonly model: string;
  readonly status: LockStatus;
  /** Name of the entry that speaks of it; null: there is none. */
  readonly entry: string | null;
  /** Every reason; empty unless `outdated`. */
  readonly why: readonly Outdated[];
}

/** What differs between two locks. Empty lists: nothing. */
export interface LockDiff {
  /** By name of the entry. */
  readonly models: readonly EntryDiff[];
  /** By name of the backend. */
  readonly engines: readonly FieldDiff[];
}

export interface EntryDiff {
  readonly entry: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** As written in llmops.yaml; of a changed entry the new one. */
  readonly source: string;
  /** What differs besides files, by its name in llmops.lock (`commit`, `license`, `facts.contextTrained`). Of an added or removed entry everything. */
  readonly fields: readonly FieldDiff[];
  readonly files: readonly FileDiff[];
  /** Bytes of all files; null: there was, or is, no entry. */
  readonly bytes: { readonly from: number | null; readonly to: number | null };
}

export interface FieldDiff {
  readonly name: string;
  /** null: it was not there. */
  readonly from: string | number | null;
  /** null: it is not there. */
  readonly to: string | number | null;
}

/** A file that came (`from` is null), went (`to` is null), or has other content or another name. */
export interface FileDiff {
  readonly from: RemoteFile | null;
  readonly to: RemoteFile | null;
}
