import { canonicalJson } from '../domain/canonical.ts';
import type { Generation } from '../domain/generation.ts';
import { quarantineOf, type Holds } from '../domain/holds.ts';
import type { Attached } from '../domain/kept.ts';
import { isGood } from '../domain/retention.ts';
import type { Session } from './session.ts';
import { sha256 } from './sha256.ts';

/** Digits of a release's name: enough to be the only one of a stack, and to be read aloud. */
const DIGITS = 12;

/**
 * Names what is declared: by the meaning of llmops.yaml, the lock and the files that it names, so that a comment or another
 * commit of the same is the same release. 12 hex digits of SHA-256.
 */
export function releaseId(revision: string, { lock, attached }: { readonly lock?: string | null; readonly attached?: Attached }): string {
  return sha256(canonicalJson([revision, lock ?? null, attached ?? {}])).slice(0, DIGITS);
}

/** Of a session whose lock was read. */
export function releaseOf({ desired, lock, attached }: Session): string {
  return releaseId(desired.revision, {
    lock: lock === undefined || lock === null ? null : new TextDecoder().decode(lock),
    ...(attached === undefined ? {} : { attached }),
  });
}

/** Of a generation. */
export function releaseOfGeneration({ revision, source, attached }: Generation): string {
  return releaseId(revision, { ...(source.lock === undefined ? {} : { lock: source.lock }), ...(attached && { attached }) });
}

/** Good generations of other releases than this one that were not rolled back, in the order given. `release` null: of any. */
export function goodOthers(generations: readonly Generation[], release: string | null, holds: Holds): readonly Generation[] {
  return generations.filter((one) => {
    const id = releaseOfGeneration(one);
    return isGood(one) && id !== release && quarantineOf(holds, id) === null;
  });
}
