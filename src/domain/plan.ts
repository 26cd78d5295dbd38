import type { BackendSpec, Inert, InstanceSpec } from './desired.ts';
import type { Fields, Price, Scalar } from './fields.ts';
import type { AppliedModel, FailedTry, MemoryPool, PendingStep, ProcessIdentity } from './observed.ts';
import { errorsIn, type Place, type Problem } from './problem.ts';
import type { Origin, RemoteFile } from './weights.ts';

/** The decision as data: printable, storable, comparable. All that is done stands in `steps`; the rest is for whoever judges, records or tells it. */
export interface Plan {
  readonly formatVersion: '1.0';
  readonly stack: string;
  readonly file: string;
  readonly environment: string | null;
  /** `prefetch`: brings the weights of the changes, and nothing else of them. */
  readonly mode: 'apply' | 'prefetch' | 'destroy' | 'down' | 'refresh-only';
  /** {@link Desired.revision}. */
  readonly revision: string;
  /** Generation that the plan started from, and what ended all of it, if that was so; or null. */
  readonly baseline: { readonly generation: number; readonly at: string; readonly endedBy?: 'down' | 'destroy' } | null;
  /** SHA-256 over what was seen and relied on; a saved plan whose basis moved is refused as stale. */
  readonly basis: string;
  /** Names given with --target, or empty for the whole stack. */
  readonly targets: readonly string[];
  readonly backends: readonly PlannedBackend[];
  /** What was changed outside llmops since the last apply. */
  readonly drift: readonly Drift[];
  /** One entry for every model that was considered, sorted by name; `keep` and `blocked` included. */
  readonly changes: readonly Change[];
  /** In an order in which each step stands after the ones it waits for. */
  readonly steps: readonly Step[];
  readonly foreign: readonly Foreign[];
  readonly inert: readonly Inert[];
  /** Names of models among `inert`. Absent: none. */
  readonly inertModels?: readonly string[];
  /** Steps that an earlier run began and did not finish. */
  readonly interrupted: readonly PendingStep[];
  readonly problems: readonly Problem[];
  readonly summary: Summary;
}

export interface PlannedBackend {
  readonly spec: BackendSpec;
  readonly status: 'reachable' | 'unreachable';
  /** Program and version for people: `llama-server 0.7.0`; null if not known. */
  readonly engine: string | null;
  readonly instances: number;
}

/** `runtime-reset`: the engine runs with something else than it was told · `unfulfilled`: so it has from the start, because it cannot do it · `edited`: it was told something else ·
 * `gone`: it is not there any more · `crashed`: it ended by itself · `unexpected`: a copy that should not exist · `unpublished`: clients are not sent to it. */
export type DriftReason = 'runtime-reset' | 'unfulfilled' | 'edited' | 'gone' | 'crashed' | 'unexpected' | 'unpublished';

export interface Drift {
  readonly model: string;
  readonly backend: string;
  readonly instance: string | null;
  /** null for a whole instance. */
  readonly field: string | null;
  readonly from: Scalar;
  readonly to: Scalar;
  readonly reason: DriftReason;
  readonly policy: 'correct' | 'warn' | 'ignore';
  /** One sentence for people. */
  readonly detail: string;
  /** Of a copy that ended by itself: ISO 8601 time at which it was last known to live. Absent: not known. */
  readonly lastAliveAt?: string;
}

export interface FieldChange {
  readonly field: string;
  readonly from: Scalar;
  readonly to: Scalar;
  readonly price: Price;
  /** Where the new value is declared. */
  readonly place: Place | null;
}

/** `surge` new before old, no gap · `swap` old before new, a gap of one start. */
export type Replacement = 'surge' | 'swap';

/** What a model shall run as, worked out from llmops.yaml, its weights and its backend: the same whatever runs now. */
export interface Wished {
  readonly specHash: string;
  /** The name of the copy that has these settings. */
  readonly instance: string;
  /** The settings that somebody set; one that is absent is left to the engine. */
  readonly fields: Fields;
}

export type Change = {
  readonly model: string;
  readonly backend: string;
  /** null: it shall not run, or what it shall run as cannot be worked out, because its weights could not be resolved or this version does not act on it. */
  readonly wish: Wished | null;
  /** The sentence after "because"; names file and line where a person can look. */
  readonly cause: string;
  readonly place: Place | null;
  /** True if nothing in llmops.yaml asked for it: the world moved. */
  readonly correctsDrift: boolean;
  /** The last start of exactly this, with this engine, failed. Absent: it did not, or nothing would be started. */
  readonly failedBefore?: Pick<FailedTry, 'generation' | 'at' | 'code' | 'summary'>;
} &
  /** `unmanaged`: a copy of somebody else's has these settings, and is left to them. Absent: it is ours. */
  (
    | { readonly action: 'keep'; readonly unchanged: number; readonly unverified: readonly string[]; readonly unmanaged?: Unmanaged }
    /** It runs as declared, and becomes ours as it is. */
    | {
        readonly action: 'adopt';
        readonly from: Unmanaged;
        readonly unchanged: number;
        readonly unverified: readonly string[];
        readonly cost: Cost;
      }
    | { readonly action: 'create'; readonly fields: readonly FieldChange[]; readonly cost: Cost; readonly waits?: string }
    | {
        readonly action: 'update';
        readonly price: Price;
        readonly replacement: Replacement | null;
        /** Why this replacement was chosen: "both fit: 2.1 of 18.0 GiB RAM", "options.port is fixed". */
        readonly replacementReason: string | null;
        readonly fields: readonly FieldChange[];
        readonly unchanged: number;
        readonly unverified: readonly string[];
        readonly cost: Cost;
        /** What of other models it waits for, and why: "for old to end, which holds port 8081". Absent: for nothing. */
        readonly waits?: string;
      }
    | { readonly action: 'delete'; readonly cost: Cost }
    /**
     * `others`: what stands in its way beside that. Absent: nothing. `withdraws`: the address to which no client is sent any more, because
     * the copy there has ended. Absent: clients are left where they are.
     */
    | { readonly action: 'blocked'; readonly problem: Problem; readonly others?: readonly Problem[]; readonly withdraws?: string }
  );

/** A copy that somebody else started and that runs as a declared model should. */
export interface Unmanaged {
  /** {@link ObservedInstance.id} */
  readonly instance: string;
  readonly endpoint: string | null;
  readonly pid: number | null;
}

/** What a change costs. Bytes and milliseconds; null: not known, never zero by default. */
export interface Cost {
  readonly weightsBytes: number;
  /** Bytes that must be fetched first. Weights that another model of the plan fetches as well count there. */
  readonly downloadBytes: number;
  /** Bytes that an earlier run fetched and that are not fetched again. Absent: none. */
  readonly resumedBytes?: number;
  /** For weights that were fetched ahead: how long the model will take until it answers, in milliseconds. Absent: there is more to do first. */
  readonly ready?: { readonly ms: number; readonly from: 'measured' | 'estimated' };
  /** Estimated memory before, after and while both run. */
  readonly memory: {
    readonly before: number | null;
    readonly after: number | null;
    readonly peak: number | null;
    readonly pool: MemoryPool | null;
  };
  readonly downtime: 'none' | 'one-start' | 'until-recreated' | 'ends';
  readonly drainMs: number;
  readonly activeRequests: number | null;
  /** True: clients find it at another address afterwards. Absent: where they found it before. */
  readonly moves?: boolean;
}

export interface Foreign {
  readonly backend: string;
  readonly id: string;
  readonly model: string | null;
  readonly endpoint: string | null;
}

export interface Summary {
  /** Absent: none. */
  readonly adopt?: number;
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly delete: number;
  readonly keep: number;
  readonly blocked: number;
  /** How many of the changes correct drift. */
  readonly correctsDrift: number;
}

/** Something a step relies on, looked at again right before it acts. */
export interface Fact {
  readonly instance: string;
  readonly backend: string;
  /** `absent-or-same`: not there, or there with this spec hash. */
  readonly is: 'absent-or-same' | 'same' | 'same-or-absent' | 'serving' | 'absent';
  readonly specHash: string | null;
}

/** One atomic act: exactly one driver call, or one write of our own. Everything was decided before this point. */
export type Step = {
  /** `chat.start`: unique within a plan and the same for the same plan. */
  readonly id: string;
  readonly after: readonly string[];
  readonly model: string;
  readonly backend: string;
  readonly instance: string;
  readonly cause: string;
  /** Checked before acting. */
  readonly relies: readonly Fact[];
  /** Checked after acting. */
  readonly leaves: readonly Fact[];
  /** How long it may take, in milliseconds. */
  readonly deadlineMs: number;
} & StepAct;

/** Every kind of step, in the order in which new before old takes them. The rest of the program derives its lists from this one. */
export const OPS = ['adopt', 'fetch', 'pull', 'start', 'probe', 'publish', 'withdraw', 'drain', 'stop', 'record'] as const;
export type Op = (typeof OPS)[number];

/** What a step of each kind says beside what all say. */
interface Acts {
  /** Takes a copy of somebody else's over as it runs; done when it carries our name. Nothing is started, loaded or ended for it. */
  readonly adopt: { readonly spec: InstanceSpec; readonly copy: string; readonly process: ProcessIdentity | null };
  /** Brings files of weights to this machine and verifies them; done when all of them are whole. Our own write. */
  readonly fetch: { readonly origin: Origin; readonly files: readonly RemoteFile[] };
  /** Brings weights into an engine's own store, kept there under a name of ours that nobody moves. */
  readonly pull: { readonly weights: InstanceSpec['weights'] };
  /** Starts the process; done when the process exists and carries the mark of its spec. `restart`: a copy in phase `failed` is removed first. */
  readonly start: { readonly spec: InstanceSpec } & Restoring;
  /** Waits until it answers, makes it generate one token, reads its settings back and compares. `onFailure: stop`: the new copy is stopped, so that a failed surge leaves the old one alone. `tolerates`: fields of a copy that runs already which may be otherwise, as their owner lets drift of them be; absent: none. */
  readonly probe: { readonly spec: InstanceSpec; readonly onFailure: 'stop' | 'leave'; readonly tolerates?: readonly string[] } & Restoring;
  /** Sends clients to this instance: our own write. */
  readonly publish: object;
  /** Stops sending clients there: our own write. */
  readonly withdraw: object;
  /**
   * Waits until admitted requests are done or the deadline has passed. Passing the deadline is no failure. `open`: clients find it there all
   * the while, so it is never out of work, and what comes in later is not waited for.
   */
  readonly drain: { readonly open?: true };
  /** Ends the process and its whole group; done when it is gone. */
  readonly stop: { readonly specHash: string | null; readonly process: { readonly pid: number; readonly started: string } | null };
  /** Records or forgets what was applied: our own write. `applied: null` forgets. */
  readonly record: { readonly applied: Omit<AppliedModel, 'at' | 'generation'> | null };
}

export type StepAct = { [K in Op]: { readonly op: K } & Acts[K] }[Op];

/** Of a step of old before new: if it fails, what served before is put back. Absent: there is nothing to put back, or it still serves. */
interface Restoring {
  readonly restore?: Predecessor;
}

/** What served before, and how long it may take to answer again, in milliseconds. */
export interface Predecessor {
  readonly spec: InstanceSpec;
  readonly deadlineMs: number;
}

export type StepOf<K extends Op> = Step & { readonly op: K };
/** What drivers do; the rest is llmops' own bookkeeping. */
export type DriverOp = 'start' | 'probe' | 'drain' | 'stop';
/** What only some drivers do: those of engines with a store of their own, and of engines that give out names. */
export type OptionalDriverOp = 'adopt' | 'pull' | 'publish' | 'withdraw';

/** Everything that stands in the way, each once: of the whole stack, then of single models. */
export function problemsInTheWay({ problems, changes }: Plan): readonly Problem[] {
  return [...new Map([...errorsIn(problems), ...blockingProblems(changes)].map((each) => [`${each.code} ${each.summary}`, each])).values()];
}

/** What stands in the way of single models; it holds back nothing else. */
export function blockingProblems(changes: readonly Change[]): readonly Problem[] {
  return changes.flatMap((change) => (change.action === 'blocked' ? [change.problem, ...(change.others ?? [])] : []));
}

/**
 * The one place that decides whether a plan may be applied. An error among the plan's own problems is one of the whole stack
 * and holds back everything; what stands in the way of one model is in its change, and holds back that one.
 */
export function canApply(plan: Plan): boolean {
  return plan.mode !== 'refresh-only' && plan.steps.length > 0 && errorsIn(plan.problems).length === 0;
}

/** Steps that bring weights and touch nothing that runs: they may be done long before the rest. */
export function isStaging({ op }: { readonly op: string }): boolean {
  return op === 'fetch' || op === 'pull';
}

/** True if the plan would change anything in the world. */
export function hasChanges(plan: Plan): boolean {
  return plan.steps.length > 0;
}
