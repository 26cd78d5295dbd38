import type { DriftPolicy } from './desired.ts';
import type { Outcome } from './event.ts';
import type { Problem } from './problem.ts';

/** What each kind of event tells beside when, where and a sentence. `model`: name of a declared model. */
interface Told {
  'daemon.started': object;
  'daemon.stopped': { readonly why: string };
  /** Something new is to be followed. `commit`, `subject`: of git; null: a file that is in no commit. */
  'revision.found': { readonly revision: string; readonly commit: string | null; readonly subject: string | null };
  /** It does not read as a stack; what was applied before stays. */
  'revision.invalid': { readonly revision: string; readonly commit: string | null; readonly problems: readonly Problem[] };
  /** It may not be followed: its signature is missing, or its history was rewritten where that is not allowed. */
  'revision.refused': { readonly revision: string; readonly commit: string | null; readonly why: string };
  /** The branch no longer holds the commit that was followed. Commits. */
  'revision.rewritten': { readonly from: string; readonly to: string };
  /** It was applied, was bad, was taken back, and is not tried again. */
  'revision.quarantined': { readonly revision: string; readonly commit: string | null; readonly why: string };
  /** The remote, or the file, cannot be read. `source`: name of the remote or path, without credentials. */
  'source.unavailable': { readonly source: string; readonly why: string };
  'source.available': { readonly source: string };
  /** A plan waits. `until`: ISO 8601; null: for a person. */
  'plan.parked': { readonly why: string; readonly until: string | null; readonly summary: string };
  /** A person let through what waited. `plan`: its name. */
  'plan.approved': { readonly plan: string; readonly who: string; readonly why: string | null };
  'plan.refused': { readonly revision: string; readonly problems: readonly Problem[] };
  'run.started': { readonly revision: string; readonly commit: string | null; readonly trigger: string };
  /** `trigger`: what made it act: `release`, `drift`, `crash`, `rollback`. `ms`: how long it took. */
  'run.finished': {
    readonly outcome: Outcome;
    readonly generation: number | null;
    readonly revision: string;
    readonly commit: string | null;
    readonly trigger: string;
    readonly ms: number;
  };
  'drift.found': {
    readonly model: string;
    readonly field: string;
    readonly reason: string;
    readonly policy: DriftPolicy;
    readonly detail: string;
  };
  /**
   * `inMs`: when it is started again; null: it is not, because its release is taken back, or it is suspended, or left to a second manager.
   * `times`: that it ended since it last ran for a while.
   */
  'model.crashed': { readonly model: string; readonly why: string; readonly inMs: number | null; readonly times: number };
  /** It is left alone until something about it changes. */
  'model.blocked': { readonly model: string; readonly why: string };
  /** Somebody else keeps changing it back, so it is left as it is. `field`: what the two fight about. */
  'model.held': { readonly model: string; readonly field: string; readonly why: string };
  /** `to`: the generation. `by`: a person, or the daemon itself. */
  'rollback.started': { readonly to: number; readonly by: string; readonly why: string };
  /** Nothing is changed until somebody resumes. */
  suspended: { readonly who: string; readonly why: string | null };
  /** `who` null: its time was over. */
  resumed: { readonly who: string | null; readonly why: string | null };
  /** `daemon:` reads otherwise than when it began, in keys that count from a start on. */
  'daemon.outdated': { readonly keys: readonly string[] };
}

/** Every kind of event that a daemon tells of. */
export type DaemonEventType = keyof Told;

/** What a daemon did, found or could not do. `at`: ISO 8601. `message`: one sentence for people. Holds no secret. */
export type DaemonEvent = {
  readonly [T in DaemonEventType]: { readonly at: string; readonly type: T; readonly stack: string; readonly message: string } & Told[T];
}[DaemonEventType];

const TYPES: Readonly<Record<DaemonEventType, true>> = {
  'daemon.started': true,
  'daemon.stopped': true,
  'revision.found': true,
  'revision.invalid': true,
  'revision.refused': true,
  'revision.rewritten': true,
  'revision.quarantined': true,
  'source.unavailable': true,
  'source.available': true,
  'plan.parked': true,
  'plan.approved': true,
  'plan.refused': true,
  'run.started': true,
  'run.finished': true,
  'drift.found': true,
  'model.crashed': true,
  'model.blocked': true,
  'model.held': true,
  'rollback.started': true,
  suspended: true,
  resumed: true,
  'daemon.outdated': true,
};

/** All of them, for whoever checks a name. */
export const DAEMON_EVENT_TYPES = Object.keys(TYPES) as readonly DaemonEventType[];

/** The word for {@link isTrouble} among the patterns of a webhook. */
export const TROUBLE = 'trouble';

/** Times in a row: once or twice is mended by a new start and concerns nobody; from here on, new starts do not help. */
export const LOOPING = 3;

/** What people want to be woken for: it needs them, or it went wrong, or the end of that. */
export function isTrouble(event: DaemonEvent): boolean {
  switch (event.type) {
    case 'run.finished':
      return event.outcome === 'failed' || event.outcome === 'partly';
    case 'plan.parked':
      return event.until === null;
    case 'drift.found':
      return event.policy === 'warn';
    case 'model.crashed':
      return event.times >= LOOPING;
    default:
      return TROUBLES.has(event.type);
  }
}

const TROUBLES: ReadonlySet<DaemonEventType> = new Set<DaemonEventType>([
  'revision.invalid',
  'revision.refused',
  'revision.rewritten',
  'revision.quarantined',
  'source.unavailable',
  'source.available',
  'plan.refused',
  'model.blocked',
  'model.held',
  'rollback.started',
]);

/** True if one of the patterns means the event: its type, `*`, the part before its dot (`run.*`), or {@link TROUBLE}. */
export function isMeant(event: DaemonEvent, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern === TROUBLE ? isTrouble(event) : meansType(pattern, event.type)));
}

/** True if a pattern other than {@link TROUBLE} means this type. */
export function meansType(pattern: string, type: string): boolean {
  if (pattern === '*' || pattern === type) return true;
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
}
