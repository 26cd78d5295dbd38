import type { NotifySpec, SecretReference } from '../domain/daemon.ts';
import type { DaemonEvent } from '../domain/daemon-event.ts';
import type { Problem } from '../domain/problem.ts';

/** Time as a notifier sees it. */
export interface NotifyClock {
  /** Milliseconds since 1970: what dates in answers are compared with. */
  now(): number;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Ends after this time, or at once when it is called off; never fails, and keeps no process alive. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** What one POST came to. */
export interface Answer {
  readonly status: number;
  /** Headers as they came; undefined: none. */
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
}

/** Sends one POST, follows nothing, reads no more than the head of the answer. Fails with the error of the connection. */
export type Post = (url: URL, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal) => Promise<Answer>;

/** What a notifier is made of. */
export interface NotifierOptions {
  /** In the order of `daemon.notify`; problems name them by their number. */
  readonly hooks: readonly NotifySpec[];
  /** The address behind a reference. May fail with a ProblemError, which tells no secret; is asked again later then. */
  resolveSecret(reference: SecretReference): Promise<string>;
  /** Hears of what could not be sent: once for each hook and cause, until that hook works again. Must not throw. */
  log(problem: Problem): void;
  /** Absent: this machine's. */
  readonly clock?: NotifyClock;
  /** Absent: by HTTP, with connections that keep no process alive. */
  readonly post?: Post;
  /** How long a receiver may take to answer. Absent: ten seconds. */
  readonly deadlineMs?: number;
  /** Version of llmops, for `user-agent`. */
  readonly version?: string;
  /** From 0 to 1, for pauses that differ. Absent: `Math.random`. */
  readonly random?: () => number;
}

/** Sends a daemon's events to webhooks. */
export interface Notifier {
  /** Queues an event for the hooks that want it. Returns at once and never throws. */
  tell(event: DaemonEvent): void;
  /** Ends when all that was told is sent or given up, at the latest after `ms`. */
  flush(ms: number): Promise<void>;
  /** Ends what is under way and forgets what waits. What is told afterwards goes nowhere. */
  close(): void;
}
