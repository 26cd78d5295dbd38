import type { Problem } from '../domain/problem.ts';

/** One state of the files that declare a stack. */
export interface Revision {
  /** Names this state: two with the same id hold the same bytes. Of git the commit; of files a digest over them. */
  readonly id: string;
  /** Full name of the commit; null: not of git. */
  readonly commit: string | null;
  /** What people know the commit by; null: not of git. */
  readonly about: CommitWords | null;
  /** llmops.yaml */
  readonly text: Uint8Array;
  /** llmops.lock; null: there is none. */
  readonly lock: Uint8Array | null;
  /**
   * Another file of the same state, by its path relative to the folder of llmops.yaml. null: this state has no such file,
   * so that the one on disk counts. Throws a ProblemError if it cannot be read.
   */
  read(path: string): Promise<Uint8Array | null>;
}

/** Of one commit, for people. */
export interface CommitWords {
  /** First line of its message. */
  readonly subject: string;
  /** `Alice <alice@example.org>` */
  readonly author: string;
  /** ISO 8601. */
  readonly at: string;
  /** Whom a good signature names; null: signatures are not asked for. */
  readonly signer: string | null;
}

/** What a look at a source came to. */
export type SourceLook =
  | { readonly kind: 'found'; readonly revision: Revision; readonly rewritten?: Rewritten }
  /** It cannot be asked now, or has no such file: the last state that was seen counts on. */
  | { readonly kind: 'unavailable'; readonly problem: Problem }
  /** There is a newer state, and it may not be used: its signature is missing or not known. */
  | { readonly kind: 'refused'; readonly commit: string; readonly problem: Problem };

/** The branch does not go on from the commit that was seen last: somebody rewrote it. Full names. */
export interface Rewritten {
  readonly from: string;
  readonly to: string;
}

/** Where llmops.yaml and what belongs to it come from. */
export interface Source {
  /** For people, without a secret: `main of ssh://git@host/models`, or the path of the file. */
  readonly shown: string;
  /** The newest state that can be had. Rejects only if the signal is aborted. */
  look(signal: AbortSignal): Promise<SourceLook>;
  /** Calls back whenever there may be something new, until it is closed. It may call for nothing, and must not miss anything for long. */
  watch(changed: () => void): Promise<Watching>;
  /**
   * From now on these other files, by their absolute paths, belong to the state as well. True: the state that was seen last does not
   * tell of them. Absent: the source knows them by itself.
   */
  follow?(paths: readonly string[]): boolean;
}

export interface Watching {
  /** Ends the watching; nothing is called back afterwards, and nothing keeps the process alive. */
  close(): Promise<void>;
}
