import type { DaemonEvent } from '../domain/daemon-event.ts';
import type { ApplyResult, Trigger } from '../domain/generation.ts';
import type { Holds } from '../domain/holds.ts';
import type { Plan } from '../domain/plan.ts';
import type { CommitWords, Revision } from '../source/types.ts';
import type { Known } from '../stack/crash-watch.ts';
import type { Session } from '../stack/session.ts';

/** One valid state of what is declared, ready to be worked towards. */
export interface Release {
  /** {@link releaseOf}: two commits that mean the same are one release. */
  readonly id: string;
  readonly session: Session;
  /** Full name of the commit; null: not of git. */
  readonly commit: string | null;
  readonly about: CommitWords | null;
  /** Absolute paths of files that it names besides: its source is to watch them too. */
  readonly files: readonly string[];
}

/** Time, so that a simulation can have its own. */
export interface DaemonClock {
  /** Milliseconds since 1970; may jump. For people and for times of day only. */
  wallMs(): number;
  /** Milliseconds since some fixed moment; never jumps. */
  monotonicMs(): number;
  /** Resolves after this long, or when the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A process of a model. */
export interface Running {
  readonly pid: number;
  readonly model: string;
}

/** What one look at a stack came to. */
export interface Looked {
  readonly plan: Plan;
  readonly known: Known;
  /** Of copies of ours that run on this machine: one that is gone is worth a look at once. */
  readonly processes: readonly Running[];
  /** Who changes the stack, in words. Absent: nobody. */
  readonly holder?: string;
}

/** What is to be done. */
export interface Task {
  readonly session: Session;
  /** Empty: the whole stack. */
  readonly targets: readonly string[];
  readonly trigger: Trigger;
  readonly allowDestroy: boolean;
  /** False: a start that failed before is tried again, as a person asked for it. */
  readonly holdFailed: boolean;
}

/** How that ended. */
export type Acted =
  /** Somebody else changes the stack. */
  | { readonly kind: 'busy'; readonly holder: string }
  /** By now there is nothing to do, or it may not be done. */
  | { readonly kind: 'nothing'; readonly plan: Plan }
  /** It was told to stop while it looked, and nothing was begun. */
  | { readonly kind: 'stopped' }
  /** `left`: models that are not as the release says still, as it was about others. */
  | { readonly kind: 'ran'; readonly plan: Plan; readonly result: ApplyResult; readonly left: readonly string[] };

/** What the loop does with a stack and knows of it. The real ones look at engines and disks; a simulation has its own. */
export interface Hands {
  /** Opens what a source gave. Throws an InvalidConfigError or a ProblemError. */
  open(revision: Revision): Promise<Release>;
  /** The stack as a generation declared it. Throws a ProblemError if it is not there or not understood. */
  generation(number: number): Promise<Session>;
  /** The stack as it is in force; null: nothing was ever applied. */
  inForce(): Promise<Session | null>;
  /** Looks at engines and plans. Changes nothing. */
  look(
    session: Session,
    options: { readonly allowDestroy: boolean; readonly holdFailed: boolean; readonly signal: AbortSignal },
  ): Promise<Looked>;
  /** Takes the lease, looks again, and carries out what is still to be done. */
  act(task: Task, signal: AbortSignal): Promise<Acted>;
  /** Number of the newest generation that counted as good and is another release than this one; null: there is none. */
  lastGood(release: string): Promise<number | null>;
  /** True if this generation can be gone back to. */
  isThere(generation: number): Promise<boolean>;
  readHolds(): Promise<Holds>;
  changeHolds(change: (holds: Holds) => Holds): Promise<Holds>;
}

/** An event as it happens, before it has its time and its stack. */
export type Telling = DaemonEvent extends infer E ? (E extends DaemonEvent ? Omit<E, 'at' | 'stack'> : never) : never;
