import type { Backend } from '../domain/backend.ts';

/** Everything a verb may know of the world it was called in. Tests hand in their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Every kind of backend, by type. Loaded when a verb needs it, so that `--help` stays fast. */
  readonly backends: () => Promise<Readonly<Record<string, Backend>>>;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal has come. */
  readonly signalExitCode: () => number | null;
  /** ISO 8601. */
  readonly now: () => string;
}

/** Flags that every verb about a stack takes. */
export interface StackFlags {
  readonly chdir?: string;
  readonly file?: string;
  readonly env?: string;
  readonly stateDir?: string;
  readonly color?: boolean;
}
