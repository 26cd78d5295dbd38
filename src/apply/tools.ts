import type { Driver, StepIo } from '../domain/backend.ts';
import type { Event } from '../domain/event.ts';
import type { Lease, RunLedger } from '../domain/ledger.ts';
import type { StepOf } from '../domain/plan.ts';
import type { Underway } from './underway.ts';

/** Time as a run needs it: the wall for records, a clock that never jumps for durations. */
export interface Clock {
  /** ISO 8601. */
  now(): string;
  /** Milliseconds since some fixed moment. */
  monotonicMs(): number;
}

/** An event without what is the same for a whole run. */
export type Said = Event extends infer E ? (E extends Event ? Omit<E, 'at' | 'run'> : never) : never;

/** Brings weights to this machine. Goes on where an earlier one was cut off; fails with a ProblemError. */
export type Fetch = (what: Pick<StepOf<'fetch'>, 'origin' | 'files'>, io: StepIo) => Promise<void>;

/** What every step of a run is performed with. */
export interface StepTools {
  readonly drivers: Readonly<Record<string, Driver>>;
  readonly ledger: RunLedger;
  readonly fetch: Fetch;
  /** By the id of the first step that touches anything for it: the starts that it leads to. */
  readonly leadsTo: ReadonlyMap<string, readonly StepOf<'start'>[]>;
  readonly lease: Lease;
  readonly clock: Clock;
  /** Aborted when a person told the run to stop. */
  readonly signal: AbortSignal;
  readonly underway: Underway;
  readonly say: (event: Said) => void;
  /** How long a read-back may lag behind an act, in milliseconds. */
  readonly patienceMs: number;
  /** How long a driver may take to come back once it was told to end, in milliseconds. */
  readonly graceMs: number;
}
