import type { Backend } from '../domain/backend.ts';

/** What work on a stack may know of the world it happens in: no terminal, so that a daemon has them too. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Every kind of backend, by type. Loaded when it is needed, so that `--help` stays fast. */
  readonly backends: () => Promise<Readonly<Record<string, Backend>>>;
  /** Aborted: what only looks ends; what acts comes to its next safe end. */
  readonly signal: AbortSignal;
  /** ISO 8601. */
  readonly now: () => string;
  /** True: looks are made every few seconds; see {@link DriverContext.brief}. */
  readonly brief?: boolean;
  /** Begins a line that says what takes so long. Absent: nobody watches. */
  readonly note?: () => ProgressNote;
}

/** Says what takes so long, to whoever watches. */
export interface ProgressNote {
  show(text: string): void;
  clear(): void;
}

/** Where a stack is, as flags say it. */
export interface StackPlace {
  readonly chdir?: string;
  readonly file?: string;
  readonly env?: string;
  readonly stateDir?: string;
}

const SILENT: ProgressNote = { show: () => undefined, clear: () => undefined };

/** A line for whoever watches; nothing, where nobody does. */
export function noteIn({ note }: Pick<Surroundings, 'note'>): ProgressNote {
  return note?.() ?? SILENT;
}
