/** Where a secret comes from: one of the three. Names the place, never the secret. */
export type SecretReference = { readonly env: string } | { readonly file: string } | { readonly command: string };

/**
 * Address of a webhook. `text`: as it was written, which is as secret as any other: who knows it can write to whoever reads
 * there. So nothing of an address but its host is ever shown.
 */
export type HookAddress = SecretReference | { readonly text: string };

/** `json`: the event as it is · `slack`: what Slack, Mattermost and Rocket.Chat read. */
export type NotifyFormat = 'json' | 'slack';

/** One webhook that hears of what the daemon does. */
export interface NotifySpec {
  readonly url: HookAddress;
  readonly format: NotifyFormat;
  /** Which events it is sent: types (`run.finished`), globs (`run.*`), or `trouble`. */
  readonly on: readonly string[];
  /** Of events that say the same, one is sent in this time. Milliseconds; 0: all are. */
  readonly minIntervalMs: number;
}

/** The branch that a daemon follows. */
export interface GitSpec {
  /** Name of the remote, as `git remote` tells it. */
  readonly remote: string;
  readonly branch: string;
  /** Pause between two looks at the remote; at least a second. Milliseconds. */
  readonly pollMs: number;
  /** Which signature a commit must carry. */
  readonly verify: 'none' | 'ssh' | 'gpg';
  /** True: a branch whose history was rewritten is not followed. */
  readonly requireFastForward: boolean;
}

/** `daemon:` of llmops.yaml, every default filled in. */
export interface DaemonSpec {
  /** null: the file is followed as it lies on disk, and no branch. */
  readonly git: GitSpec | null;
  /** Address and port at which a git server may say that something was pushed; null: nowhere. */
  readonly webhook: string | null;
  /** How often engines are looked at, in milliseconds. */
  readonly probeMs: number;
  readonly notify: readonly NotifySpec[];
}
