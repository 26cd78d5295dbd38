import type { Attached } from './kept.ts';
import type { Outcome } from './event.ts';
import type { StackFiles, StepResult, StepStatus, Trigger, WayBack } from './generation.ts';
import type { AppliedModel, Endpoint } from './observed.ts';
import type { Plan } from './plan.ts';

/** The right to change a stack: held by one process at a time. */
export interface Lease {
  /** Grows with every holder of this state; a record with a smaller one than its predecessor's is void. */
  readonly token: number;
  /** Throws a ProblemError `lease-lost` if this process is no longer the holder. Called right before every act. */
  verify(): void;
  /** Idempotent. The kernel does the same when the process ends, however it ends. */
  release(): void;
}

/** What a run is, told before it begins. */
export interface RunHeader {
  readonly plan: Plan;
  readonly who: string;
  /** As typed, and what made it act now. Absent: not told. */
  readonly command?: string;
  readonly trigger?: Trigger;
  readonly wayBack?: WayBack;
  readonly source: StackFiles;
  readonly attached?: Attached;
  /** Models that are left otherwise than `source` says. Absent: none. */
  readonly left?: readonly string[];
  /** Gives the time of each record, ISO 8601. */
  readonly now: () => string;
}

/** Which step a journal record is about. */
export interface JournalStep {
  readonly id: string;
  readonly op: string;
  readonly model: string;
  readonly instance: string;
}

/** Where a run is written down. Every method is durable when it resolves, and throws a ProblemError if it cannot be. */
export interface RunLedger {
  readonly run: string;
  readonly generation: number;
  /** Durable before the act. */
  begin(step: JournalStep): Promise<void>;
  /** After the act: it did, or did not, leave what it should. */
  end(step: JournalStep, status: StepStatus): Promise<void>;
  publish(model: string, endpoint: Endpoint): Promise<void>;
  /** Only if clients are sent to this instance; another one's entry stays. */
  withdraw(model: string, instance: string): Promise<void>;
  /** null forgets the model. */
  record(model: string, applied: Omit<AppliedModel, 'at' | 'generation'> | null): Promise<void>;
  /** Closes the run. Returns the generation's number, or null if no step began, so that none was written. */
  finish(outcome: Outcome, steps: readonly StepResult[], ms: number): Promise<number | null>;
}

/** The state of a stack, as the executor needs it. */
export interface Ledger {
  /** Opens a run under this lease. A run that was cut off before is closed as `interrupted`. */
  beginRun(lease: Lease, header: RunHeader): Promise<RunLedger>;
}
