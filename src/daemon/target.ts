import { quarantineOf, type Holds, type Quarantine } from '../domain/holds.ts';

/** What the stack is to be brought to. */
export type Target =
  /** The newest release. */
  | { readonly kind: 'release'; readonly id: string }
  /** A generation that somebody went back to. */
  | { readonly kind: 'generation'; readonly number: number }
  /** As it was applied last: what crashes is started anew, and nothing else is done. `quarantine`: the newest release was rolled back. */
  | { readonly kind: 'in-force'; readonly quarantine: Quarantine | null };

/**
 * Decides what to work towards. A release that was rolled back does not come again, and until a different one comes, or
 * somebody resumes, the stack stays what it was taken back to. `newest`: id of the newest release that may be used; null: none.
 */
export function targetOf(newest: string | null, holds: Holds): Target {
  const quarantine = newest === null ? null : quarantineOf(holds, newest);
  if (newest !== null && quarantine === null) return { kind: 'release', id: newest };
  return holds.pin === null ? { kind: 'in-force', quarantine } : { kind: 'generation', number: holds.pin.generation };
}

/** Without approvals of what is no target any more. While nothing is known to come, all of them stay. */
export function approvedFor(target: Target, holds: Holds): Holds {
  if (target.kind === 'in-force') return holds;
  const release = target.kind === 'release' ? target.id : null;
  return { ...holds, approved: holds.approved.filter(({ covers }) => covers.some((change) => change.startsWith(`${release} `))) };
}

/** The same for the same target: a run towards another one is superseded. */
export function keyOf(target: Target): string {
  if (target.kind === 'release') return `release ${target.id}`;
  return target.kind === 'generation' ? `generation ${target.number}` : 'in force';
}
