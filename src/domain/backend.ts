import type { Artifact, BackendSpec, ModelSpec } from './desired.ts';
import type { Compare, Fields, PortableField, Price, WishedFields } from './fields.ts';
import type { Candidate, ObservedBackend, ObservedInstance, Unpullable } from './observed.ts';
import type { DriverOp, OptionalDriverOp, StepOf } from './plan.ts';
import type { Problem } from './problem.ts';
import type { SecretSight } from './secret.ts';
import type { Origin, RemoteFile } from './weights.ts';

/** JSON Schema (draft 2020-12) with a description and a default for every key. */
export type JsonSchema = { readonly [key: string]: unknown };

/**
 * A kind of engine: data that the pure stages read, and `connect`, the only door to the outside. Each folder under
 * src/backends exports one as `backend`.
 */
export interface Backend {
  /** The value of `type:` in llmops.yaml. */
  readonly type: string;
  readonly schema: {
    /** Keys of a backend of this type, besides `type` and `reserve`. */
    readonly backend: JsonSchema;
    /** Keys of `options:` of a model on it. */
    readonly model: JsonSchema;
  };
  /** What each field costs to change. A portable field without a price does not compile; option fields are checked by the conformance suite. */
  readonly prices: Readonly<Record<PortableField, Price>> & Readonly<Record<string, Price>>;
  /** Pure: the flat settings that an instance of this model must run with. `null`: the engine decides. */
  fields(model: ModelSpec, artifact: Artifact, backend: BackendSpec): WishedFields;
  /**
   * Bytes that one running copy takes besides its weights, its cache and its buffers: the program itself, and where layers lie on
   * a GPU what the driver keeps there for each process. Absent: nothing.
   */
  readonly footprint?: { readonly ramBytes: number; readonly vramBytes: number };
  /** Pure: whether a value that the engine has loaded keeps its word where it is not the very one: a context rounded up. Absent: only the very one does. */
  readonly compare?: Compare;
  /**
   * Pure: the backend with what the models on it ask of it as a whole, in further options. They shape every one of them. Absent:
   * models of this backend ask for nothing that is not their own.
   */
  readonly forModels?: (spec: BackendSpec, models: readonly ModelSpec[]) => BackendSpec;
  /** Pure: what this engine cannot do for this model, found before anything is touched. */
  check(model: ModelSpec, artifact: Artifact, backend: BackendSpec, observed: ObservedBackend): readonly CheckProblem[];
  /** Pure: further files that this model's options name, by key (`options.chatTemplateFile`); their content counts as a setting. */
  readonly attachments?: (model: ModelSpec) => Readonly<Record<string, string>>;
  /**
   * Kinds of origin that the engine pulls from by itself, into a store of its own. Weights of other kinds, and those
   * that are not to be had without a login, are fetched to this machine and handed over to it. Absent: it has no store and reads files of this machine.
   */
  readonly pulls?: readonly Origin['kind'][];
  /**
   * Pure: why this model cannot start beside the copy that runs with these settings, so that old must end before new; null: it can.
   * `running` null: its settings are not known. Without `artifact` a backend that shares weights between copies has to take those
   * of an equal source for the same.
   */
  mustSwap(model: ModelSpec, backend: BackendSpec, running: Fields | null, artifact?: Artifact): SwapReason | null;
  connect(spec: BackendSpec, context: DriverContext): Driver;
}

/** What a check found. A backend knows no places: whoever has them adds the one of `field`. */
export interface CheckProblem extends Problem {
  /** The setting of the model that it is about: `context`, `options.args`. Absent: none of them. */
  readonly field?: string;
}

/** Why two copies of one model cannot run side by side on an engine. */
export interface SwapReason {
  /** To be used within a sentence: "both would listen on port 8081". */
  readonly because: string;
  /** The declared setting without which they could: `options.port` of the model, `rpc` of its backend; null: it is the engine's way. */
  readonly setting: { readonly of: 'model' | 'backend'; readonly key: string } | null;
  /** True: nothing on that backend starts before every old copy there that leaves has ended. Absent: it is between the two. */
  readonly together?: true;
}

/** What a driver may know of its surroundings. */
export interface DriverContext {
  readonly stack: string;
  /** Folder of this stack's state; drivers write below `instances/` and `logs/` only, and read kept files there (`keptPath`). */
  readonly stateDir: string;
  /** Folder of the states of all stacks of this user, but for those kept elsewhere: who took over what lies there. Absent: the one around `stateDir`. */
  readonly stateHome?: string;
  /** Folder for things that may be lost: detected engine versions. */
  readonly cacheDir: string;
  /** Folder of llmops.yaml: relative paths in options start here. */
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * True: asked only whether anything moved, every few seconds and for ever. What is costly to ask and moves nothing is left out
   * (requests in flight), or may be a minute old (memory of graphics cards). Absent: everything is told as it is now.
   */
  readonly brief?: boolean;
}

/** A declared model with the weights that it is to have. */
export interface Wanted {
  readonly model: ModelSpec;
  readonly artifact: Artifact;
}

/** One connected backend. `observe` and `look` read; `perform` changes; nothing else does either. */
export interface Driver {
  /** Reads the world. Never throws for a dead engine: returns `unreachable`. Sends no request that changes anything. */
  observe(signal: AbortSignal): Promise<ObservedBackend>;
  /** One instance by id, as fresh as can be; null: it is not there. */
  look(instance: string, signal: AbortSignal): Promise<ObservedInstance | null>;
  /** Housekeeping before an apply and while something supervises: keeps logs short, sweeps what dead runs left, remembers what was alive. Touches no instance. Absent: there is none to do. */
  readonly tend?: () => Promise<void>;
  /**
   * The secrets that models name, by model, as far as they can be told without running a command. Reads only; one that cannot be
   * had is no error here. Absent: no model of this backend names any.
   */
  readonly secrets?: (models: readonly ModelSpec[]) => Promise<Readonly<Record<string, readonly SecretSight[]>>>;
  /**
   * What somebody else runs from the weights of these models, which have no copy of ours: read as one of ours would be. Reads only.
   * Absent: nothing of this engine can be taken over.
   */
  readonly candidates?: (models: readonly Wanted[], signal: AbortSignal) => Promise<readonly Candidate[]>;
  /**
   * Of models whose weights the engine would have to fetch: those that it cannot fetch as they are pinned. Reads only, and asks the
   * network. Absent: the engine fetches nothing itself.
   */
  readonly unpullable?: (models: readonly Wanted[], signal: AbortSignal) => Promise<readonly Unpullable[]>;
  /**
   * Who holds these ports of this machine and is none of this stack's, engine or not: an observation shows engines, and knows no
   * wishes. Reads only. Absent: no model of this backend is told its port.
   */
  readonly strangers?: (ports: readonly number[], signal: AbortSignal) => Promise<readonly ObservedInstance[]>;
  /**
   * Makes sure of what a start takes and may not be there: its secrets, its fixed port. Called before anything is ended for that start; keeps them
   * in memory for it and changes nothing. Fails with a ProblemError. Absent: there is nothing to make sure of.
   */
  readonly prepare?: (step: StepOf<'start'>, io: StepIo) => Promise<void>;
  /**
   * Called when a run is over: ends what the driver keeps running for its copies, if none of them is left, and gives back what it took over for
   * models that are not in `applied`, the names of all that are on record on this backend: a copy that is gone may come back. What it does not end, and why, is
   * its answer. Absent: it keeps nothing running.
   */
  readonly retire?: (signal: AbortSignal, applied: ReadonlySet<string>) => Promise<readonly Problem[]>;
  /** Changes the world. Idempotent: performing a finished step again is a no-op. Fails with a ProblemError. */
  readonly perform: { readonly [K in Exclude<DriverOp, 'drain'>]: (step: StepOf<K>, io: StepIo) => Promise<void> } & {
    /** Ends by itself at the step's deadline. Tells how the waiting ended, if not with the last request. */
    readonly drain: (step: StepOf<'drain'>, io: StepIo) => Promise<Drained | null | void>;
  } & {
    /** Of engines that keep weights themselves. Tells what people should know of it; nothing, if it went as planned. */
    readonly pull?: (step: StepOf<'pull'>, io: StepIo) => Promise<string | null | void>;
  } & {
    /**
     * `adopt` of those that can take over what they did not start. `publish` and `withdraw` of engines where several models share one
     * address: they give the model's name to an instance, or take it away, before our own record of it is written.
     */
    readonly [K in Exclude<OptionalDriverOp, 'pull'>]?: (step: StepOf<K>, io: StepIo) => Promise<void>;
  };
}

/** How a wait for requests ended before they did. */
export interface Drained {
  /** Requests in flight, which the end of the copy cuts; null: not known. */
  readonly cut: number | null;
  /** For people: what there is to know of it. */
  readonly note: string;
}

export interface StepIo {
  /** Aborted when the step must end now. */
  readonly signal: AbortSignal;
  /** Says what is being waited for, nothing any more if it is empty; `done` and `total` in the unit of the message, or null. */
  progress(message: string, done?: number, total?: number): void;
  /** Says how far a file on its way is, in bytes; `total: null` where that is not known. As often as is convenient. */
  transfer(file: string, done: number, total: number | null): void;
  /** Brings files of a source to this machine, to where an instance's weights lie, as a fetch step does. Absent: nobody fetches here. */
  readonly fetch?: (origin: Origin, files: readonly RemoteFile[]) => Promise<void>;
}
