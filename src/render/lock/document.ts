import type { LockDiff, ModelLock } from '../../domain/lock.ts';
import type { Problem } from '../../domain/problem.ts';

/** What `llmops lock` found and did. */
export interface LockReport {
  /** Path of llmops.lock as people should see it. */
  readonly file: string;
  readonly environment: string | null;
  /** The file holds something else than before. */
  readonly written: boolean;
  /** How each model stands to the lock, as it is now or, with `--dry-run`, as it would be. */
  readonly models: readonly ModelLock[];
  /** Entries that nothing needs. */
  readonly unused: readonly string[];
  /** What was, or would be, changed; null: nothing was looked up. */
  readonly diff: LockDiff | null;
  readonly problems: readonly Problem[];
}

/** The report as a JSON document with a published form. Sizes in bytes. */
export function lockDocument(report: LockReport): { readonly formatVersion: '1.0' } & LockReport {
  return { formatVersion: '1.0', ...report };
}
