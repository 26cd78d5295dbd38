import type { StackPlace, Surroundings } from '../stack/surroundings.ts';

/** Everything a verb may know of the world it was called in. Tests hand in their own. Its `signal` is aborted by the first Ctrl-C or SIGTERM. */
export interface CliContext extends Surroundings {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** 130 or 143 once a signal has come. */
  readonly signalExitCode: () => number | null;
}

/** Flags that every verb about a stack takes. */
export interface StackFlags extends StackPlace {
  readonly color?: boolean;
}
