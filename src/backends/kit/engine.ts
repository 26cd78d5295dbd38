import type { BackendSpec, InstanceSpec } from '../../domain/desired.ts';
import type { DriverContext } from '../../domain/backend.ts';
import type { Fields } from '../../domain/fields.ts';
import type { Engine } from '../../domain/observed.ts';
import type { Problem } from '../../domain/problem.ts';

/**
 * What differs between engines that run as one process per instance and speak llama-server's HTTP dialect. The kit's
 * process driver does the rest: start, mark, find again, wait, drain, stop, logs.
 */
export interface ProcessEngine {
  readonly type: string;
  /** Finds the program and asks it for its version and flags. Starts no server. Never throws: says `absent` and why. */
  detect(signal: AbortSignal): Promise<Engine>;
  /** The command line for one instance. Pure once the engine is known. Throws a ProblemError if this engine cannot do it. */
  command(spec: InstanceSpec, port: number, engine: Extract<Engine, { status: 'present' }>): Command;
  /** What a running process was told, read back from its own arguments and environment. */
  configured(process: { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }): Fields;
  /** What a serving instance says is in force; null values: it does not tell. Reads only, and must not wake a sleeping engine. */
  loaded(instance: { readonly endpoint: string; readonly logFile: string | null }, signal: AbortSignal): Promise<{ readonly fields: Fields; readonly activeRequests: number | null }>;
  /** Why a process that ended did so, from the last lines of its log. */
  explain(logTail: string, exitCode: number | null): Problem;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the surroundings. Secrets go here and nowhere else. */
  readonly env: Readonly<Record<string, string>>;
}

export type ConnectEngine = (spec: BackendSpec, context: DriverContext) => ProcessEngine;
