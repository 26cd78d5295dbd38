import type { Op } from './plan.ts';
import type { Problem } from './problem.ts';

/** All that outsiders learn while llmops works. Screen, log, JSON stream and history are listeners, nothing more. */
export type Event = { readonly at: string; readonly run: string } & (
  | {
      readonly type: 'run.started';
      readonly stack: string;
      readonly steps: number;
      readonly revision: string;
      readonly mode: string;
      readonly who: string;
    }
  | {
      readonly type: 'step.started';
      readonly step: string;
      readonly op: Op;
      readonly model: string;
      readonly backend: string;
      readonly instance: string;
      readonly cause: string;
      readonly deadlineMs: number;
    }
  | {
      readonly type: 'step.waiting';
      readonly step: string;
      readonly model: string;
      /** Empty: what was waited for is over. */
      readonly message: string;
      readonly done: number | null;
      readonly total: number | null;
    }
  | {
      readonly type: 'step.transfer';
      readonly step: string;
      readonly model: string;
      /** Name of the file that is on its way. */
      readonly file: string;
      /** Bytes. */
      readonly done: number;
      /** Bytes; null: not known. */
      readonly total: number | null;
      /** Over the last seconds; null: too short a time to tell. */
      readonly bytesPerSecond: number | null;
    }
  | {
      readonly type: 'step.done';
      readonly step: string;
      readonly op: Op;
      readonly model: string;
      readonly ms: number;
      /** What people should know of it. Absent: nothing. */
      readonly note?: string;
    }
  | {
      readonly type: 'step.failed';
      readonly step: string;
      readonly op: Op;
      readonly model: string;
      readonly problem: Problem;
      readonly ms: number;
    }
  | { readonly type: 'step.skipped'; readonly step: string; readonly op: Op; readonly model: string; readonly because: string }
  | {
      readonly type: 'run.finished';
      readonly outcome: Outcome;
      readonly done: number;
      readonly failed: number;
      readonly skipped: number;
      readonly generation: number | null;
      readonly ms: number;
    }
);

/** `stale`: the world was not as planned · `cancelled`: a person or signal stopped it. */
export type Outcome = 'succeeded' | 'partly' | 'failed' | 'stale' | 'cancelled';
