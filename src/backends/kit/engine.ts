import type { BackendSpec, InstanceSpec, JsonObject } from '../../domain/desired.ts';
import type { DriverContext } from '../../domain/backend.ts';
import type { Compare, Fields } from '../../domain/fields.ts';
import type { Engine } from '../../domain/observed.ts';
import type { Problem } from '../../domain/problem.ts';
import type { SecretNeed } from './secret-need.ts';
import type { Requests } from './admitted.ts';

/**
 * What differs between engines that run as one process per instance and speak llama-server's HTTP dialect. The kit's
 * process driver does the rest: start, mark, find again, wait, drain, stop, logs.
 */
export interface ProcessEngine {
  readonly type: string;
  /** Finds the program and asks it for its version and flags. Starts no server. Never throws: says `absent` and why. */
  detect(signal: AbortSignal): Promise<Engine>;
  /**
   * The command line for one instance. Pure once the engine is known. `fileAt`: where a file that an option names is to be read, by
   * the path as written. Throws a ProblemError if this engine cannot do it.
   */
  command(spec: InstanceSpec, port: number, engine: Extract<Engine, { status: 'present' }>, fileAt: (written: string) => string): Command;
  /** What a running process was told, read back from its own arguments and environment. `digest` is added by the driver from the marker. */
  configured(process: ProcessWords): Fields;
  /** What a serving instance says is in force; null values: it does not tell. Reads only, and must not wake a sleeping engine. */
  loaded(instance: LoadedQuery, signal: AbortSignal): Promise<{ readonly fields: Fields; readonly activeRequests: number | null }>;
  /** The requests that a serving instance has now; null: it does not tell. Reads only, as {@link loaded}. */
  requests(instance: LoadedQuery, signal: AbortSignal): Promise<Requests | null>;
  /**
   * Why a process that ended did so, from the last lines of its log. A code of {@link TRANSIENT} lets a start be tried again.
   */
  explain(logTail: string, exitCode: number | null): Problem;
  /** The secrets that these options of a model name. The kit gets them, and hands them over in the environment of the new process. */
  secrets?(options: JsonObject): readonly SecretNeed[];
  /** Headers that requests to this process need, read from its own environment. */
  headers?(process: ProcessWords): Readonly<Record<string, string>>;
  /** Variables of the surroundings that must not reach a new process because they would change its settings unseen. */
  readonly hiddenEnv?: RegExp;
  /** Recognizes a process of this program that carries no mark of ours; null: it is something else. */
  recognize?(process: { readonly args: readonly string[] }): { readonly model: string | null; readonly endpoint: string | null } | null;
  /**
   * Reads a process of this program that somebody else started as if it were ours; null: it cannot stand for an instance. Absent:
   * none can.
   */
  claim?(process: ProcessWords & { readonly folder: string | null }): Claimed | null;
  /** The file that a process serves which fetched its weights by itself; null: it does not tell. */
  servedFile?(endpoint: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string | null>;
  /** As the backend's own. */
  readonly compare?: Compare;
  /** A port that the spec fixes; null or absent: any free one. */
  fixedPort?(spec: InstanceSpec): number | null;
}

/** Somebody else's process, read as one of ours. */
export interface Claimed {
  /** As {@link ProcessEngine.configured}; its port stands under the field of a fixed one, since its clients know it. */
  readonly configured: Fields;
  /** Absolute path of its weights. null: it fetched them by itself. */
  readonly path: string | null;
  /** What clients call it; null: it was not told. */
  readonly name: string | null;
  readonly port: number;
  /** Why it cannot be taken over, to be used within a sentence; null: nothing is known against it. */
  readonly obstacle: string | null;
  /** What changes with its next start, as a sentence; null: nothing. */
  readonly warning: string | null;
}

/** What a process was started with. */
export interface ProcessWords {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface LoadedQuery {
  readonly endpoint: string;
  /** null: do not look there. */
  readonly logFile: string | null;
  /** From {@link ProcessEngine.configured}. */
  readonly configured: Fields;
  /** The process's own arguments: what it was told to serve. */
  readonly args: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** True: requests in flight need not be told. Absent: they are. */
  readonly brief?: boolean;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the surroundings. Secrets go here and nowhere else. */
  readonly env: Readonly<Record<string, string>>;
}

export type ConnectEngine = (spec: BackendSpec, context: DriverContext) => ProcessEngine;

/** Codes of {@link ProcessEngine.explain} that may go away by themselves; every other one fails a start at once. */
export const TRANSIENT: ReadonlySet<string> = new Set(['port-taken', 'engine-crashed', 'engine-ended', 'engine-told-to-end']);
