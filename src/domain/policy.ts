/** Sunday first, as `Date` counts them. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A time of day on some days, in which what the file asks for may be done. */
export interface ChangeWindow {
  /** On which it opens. */
  readonly days: readonly Weekday[];
  /** Minutes since midnight. */
  readonly from: number;
  /** Minutes since midnight; not after `from`: of the next day. */
  readonly to: number;
  /** Of the IANA database; null: the machine's. */
  readonly timezone: string | null;
}

/** `policy:` of llmops.yaml: when the loop may do what the file asks for. What crashed, or moved by itself, is put right at any time. */
export interface PolicySpec {
  /** Empty: at any time. */
  readonly windows: readonly ChangeWindow[];
  /** `destructive`: what deletes a model, or takes it from its clients for a while, waits for `llmops approve`. */
  readonly approve: 'none' | 'destructive' | 'all';
}

export const NO_POLICY: PolicySpec = { windows: [], approve: 'none' };

/** A policy that is about to judge a release. */
export interface Judging extends PolicySpec {
  /** Keys that the release edits beside its models, if these are to be approved as well: `policy`, `daemon.notify`. */
  readonly besides?: readonly string[];
}

const STRICTNESS = ['none', 'destructive', 'all'] as const;

/**
 * What both let through. `opensIn`: how long to wait for windows, from now on: the later ones count, so that a change is
 * inside of both when it is.
 */
export function stricterOf(a: PolicySpec, b: PolicySpec, opensIn: (windows: readonly ChangeWindow[]) => number): PolicySpec {
  const approve = STRICTNESS.indexOf(a.approve) > STRICTNESS.indexOf(b.approve) ? a.approve : b.approve;
  return { approve, windows: opensIn(a.windows) > opensIn(b.windows) ? a.windows : b.windows };
}
