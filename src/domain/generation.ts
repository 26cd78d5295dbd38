import type { Outcome } from './event.ts';
import type { Attached } from './kept.ts';
import type { Change, Drift, Op, Plan, Summary } from './plan.ts';
import type { Problem } from './problem.ts';
import type { RetentionSpec, WeightFiles } from './retention.ts';

/**
 * `done` it acted and left what it should · `failed` see its problem · `skipped` a step that it waits for did not get done ·
 * `cancelled` abandoned or never begun because the run was told to stop · `interrupted` begun by a run that was cut off.
 */
export type StepStatus = 'done' | 'failed' | 'skipped' | 'cancelled' | 'interrupted';

/** What became of one step. */
export interface StepResult {
  readonly step: string;
  readonly op: Op;
  readonly model: string;
  readonly backend: string;
  readonly instance: string;
  readonly cause: string;
  readonly status: StepStatus;
  /** Why it failed; null otherwise. */
  readonly problem: Problem | null;
  /** For `skipped` and `cancelled`: the sentence after "because". */
  readonly because: string | null;
  /** For a done `publish`: where clients are sent now. */
  readonly url?: string;
  /** For a done `drain`: requests that were still in flight, and that the end of the copy cuts. Absent: none, or nobody told. */
  readonly cut?: number;
  /** For a done step: what people should know of it. */
  readonly note?: string;
  /** For a failed step of old before new: what served before serves again, there. `unpublished`: that could not be written down, so who looks the address up is told none. */
  readonly restored?: { readonly instance: string; readonly url: string; readonly unpublished?: true };
  /** ISO 8601; null if it never began, and nothing was put back for it. */
  readonly startedAt: string | null;
  /** Milliseconds from begin to end; 0 if it never began. */
  readonly ms: number;
}

/**
 * What made it act: a command that somebody gave, something that had ended while it was watched, a release that came, settings
 * that moved by themselves, or a release that did not hold.
 */
export type Trigger = 'command' | 'crash' | 'release' | 'drift' | 'rollback';

/** Why a run went back: whose word it was, and to what. */
export interface WayBack {
  /** The generation that was gone back to. */
  readonly to: number;
  /** A person, or `llmops up` where a release did not hold. */
  readonly by: string;
  /** In a person's words, or what was seen; null: none were given. */
  readonly why: string | null;
}

/** llmops.yaml as applied, and what it takes to go back to it. */
export interface StackFiles {
  /** Absolute path. */
  readonly file: string;
  /** Secrets in it are references. */
  readonly text: string;
  /** In git, if it had one; with `-dirty` if the text is not that commit's. */
  readonly commit: string | null;
  /** What its models were fetched as. Absent: recorded by an earlier version. */
  readonly weights?: WeightFiles;
  /** How far one may go back from it. Absent: as usual. */
  readonly retention?: RetentionSpec;
  /** Text of llmops.lock; null: there was none. Absent: recorded by an earlier version. */
  readonly lock?: string | null;
}

/** One run that changed something, or tried to: who, when, why, what it cost. Answers "why did this restart at 14:05". */
export interface Generation {
  /** 1.1 adds `command` and `trigger`, 1.2 `source.lock` and `attached`, 1.3 `left` and `wayBack`. */
  readonly formatVersion: '1.0' | '1.1' | '1.2' | '1.3';
  readonly number: number;
  readonly run: string;
  readonly who: string;
  /** The command that did it: `llmops apply --supervise`. Absent: recorded by an earlier version. */
  readonly command?: string;
  readonly trigger?: Trigger;
  /** Of a run with the trigger `rollback`. Absent: recorded by an earlier version, or none. */
  readonly wayBack?: WayBack;
  readonly mode: Plan['mode'];
  readonly stack: string;
  readonly environment: string | null;
  /** Hash of the meaning of the file that was applied, hex. */
  readonly revision: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly ms: number | null;
  /** `interrupted`: the run was cut off (killed, power) · null: it still runs, or was cut off and no run came after it. */
  readonly outcome: Outcome | 'interrupted' | null;
  readonly source: StackFiles;
  /** SHA-256 (hex) of the files that its models' options name, by path; their content is kept beside the state. Absent: none, or recorded by an earlier version. */
  readonly attached?: Attached;
  /** Models that it left otherwise than `source` says, as it was about others. Absent: none, or recorded by an earlier version. */
  readonly left?: readonly string[];
  readonly summary: Summary;
  /** All but `keep`. */
  readonly changes: readonly Change[];
  readonly drift: readonly Drift[];
  readonly steps: readonly StepResult[];
}

/** What a run came to. */
export interface ApplyResult {
  readonly outcome: Outcome;
  /** Number under which it stands in the history; null if no step began. */
  readonly generation: number | null;
  /** One for every step of the plan, in the plan's order. */
  readonly steps: readonly StepResult[];
  /** What went wrong beside the steps: history that could not be written. */
  readonly problems: readonly Problem[];
  readonly ms: number;
}
