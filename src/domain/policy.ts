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
