import type { NotifySpec } from './daemon.ts';
import type { PolicySpec } from './policy.ts';

/** Who did something by hand, when and why. */
export interface Mark {
  /** `alice@gpu-box` */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  /** In a person's words, or in ours where nobody did it; null: none were given. */
  readonly why: string | null;
}

/** The loop leaves the stack, or a model of it, as it is. */
export interface Suspension extends Mark {
  /** ISO 8601: ends by itself then; null: when somebody resumes it. */
  readonly until: string | null;
}

/** A release that was rolled back: the loop does not apply it again. */
export interface Quarantine extends Mark {
  /** {@link Release.id} */
  readonly release: string;
  readonly commit: string | null;
  /** In which it was applied last; null: it never was. */
  readonly generation: number | null;
}

/** The loop keeps the stack as this generation declared it, until it is resumed or a release comes that is not quarantined. */
export interface Pin extends Mark {
  readonly generation: number;
}

/** A plan that was parked, and that a person lets through. */
export interface Approval extends Mark {
  /** {@link Parked.key} of what was looked at. */
  readonly plan: string;
  /** The changes that it consists of, one by one: some of them may be through, or wait for another time, when the rest is begun. */
  readonly covers: readonly string[];
}

/** A model that an earlier release changed. */
export interface Watched {
  readonly release: string;
  readonly commit: string | null;
  readonly model: string;
  /** Hash of what it runs as since then. */
  readonly runsAs: string;
  /** ISO 8601: when it began to serve. */
  readonly since: string;
  /** For how long it is watched, in milliseconds. */
  readonly ms: number;
}

/**
 * A release that is watched after its apply, before it counts as good. Written before the cut-over, so that whichever
 * process comes next goes back, also if the one that watched is dead.
 */
export interface Bake {
  readonly release: string;
  readonly commit: string | null;
  /** The last one that counted as good: where to go back to; null: there is none, so what failed stays. */
  readonly previous: number | null;
  /** The same once the `older` ones have held. Absent: nothing is older. */
  readonly thenPrevious?: number | null;
  /** Models that this release changed, with the hash of what each runs as since then. */
  readonly models: Readonly<Record<string, string>>;
  /** Of releases before it that were watched still when it came, and that it left as they were. Absent: none. */
  readonly older?: readonly Watched[];
  /** ISO 8601: when it began to serve; null: its apply is not through. */
  readonly since: string | null;
  /** Milliseconds. */
  readonly ms: number;
  /** True: who watched it was told to end, so nobody is to go back for it. */
  readonly unwatched: boolean;
  /** The run of the machine in which it was applied; null: not known. What ends with the machine says nothing of a release. */
  readonly boot: string | null;
}

/** Of a release that was let through: what it says of the next one, and who hears of what is done. */
export interface Mandate {
  readonly policy: PolicySpec;
  /** Addresses that are written out stand in llmops.yaml and in each generation as well. */
  readonly notify: readonly NotifySpec[];
}

/** What keeps the loop from doing what the file says. Everything is a person's word, but for the pins of a failed bake. */
export interface Holds {
  readonly formatVersion: '1.0';
  /** By model; `*`: the whole stack. */
  readonly suspended: Readonly<Record<string, Suspension>>;
  readonly quarantined: readonly Quarantine[];
  readonly pin: Pin | null;
  readonly approved: readonly Approval[];
  readonly bake: Bake | null;
  /** Who lifted something last; null: nobody yet. */
  readonly resumed: Mark | null;
  /** Of the release that was let through last, whether or not it made a generation. Absent: none was yet. */
  readonly mandate?: Mandate;
}

/** Of a release that is watched: what of the releases before it is watched still, and where to go back to. */
export function watchedAt(bake: Bake, wallMs: number): { readonly older: readonly Watched[]; readonly previous: number | null } {
  const older = (bake.older ?? []).filter((one) => !isOver(one, wallMs));
  return { older, previous: older.length === 0 && bake.thenPrevious !== undefined ? bake.thenPrevious : bake.previous };
}

/** A clock that was set back makes the time over. */
export function isOver({ since, ms }: Pick<Watched, 'since' | 'ms'>, wallMs: number): boolean {
  const servedMs = wallMs - Date.parse(since);
  return servedMs < 0 || servedMs >= ms;
}

/** The key of the whole stack in {@link Holds.suspended}. */
export const WHOLE_STACK = '*';
/** How many rolled-back releases and approvals are remembered. */
const REMEMBERED = 50;

export const NO_HOLDS: Holds = { formatVersion: '1.0', suspended: {}, quarantined: [], pin: null, approved: [], bake: null, resumed: null };

/** `names` empty: the whole stack. */
export function suspend(holds: Holds, names: readonly string[], suspension: Suspension): Holds {
  const more = Object.fromEntries((names.length === 0 ? [WHOLE_STACK] : names).map((name) => [name, suspension]));
  return { ...holds, suspended: { ...holds.suspended, ...more } };
}

/** What somebody resumes. */
export interface Resumed {
  /** Empty: all that is suspended; where nothing is, what a rollback holds. */
  readonly names: readonly string[];
  /** True: what a rollback holds as well, whatever is suspended. */
  readonly rollback: boolean;
}

/**
 * Ends suspensions, and what a rollback holds, so that the newest release is applied again: one at a time, as whoever ends a pause need
 * not know of a release that was bad.
 */
export function resume(holds: Holds, { names, rollback }: Resumed, resumed: Mark): Holds {
  const isPaused = suspendedAt(holds, Date.parse(resumed.at)).size > 0;
  const isMeant = (name: string): boolean => names.length === 0 || names.includes(name);
  const suspended = Object.fromEntries(Object.entries(holds.suspended).filter(([name]) => !isMeant(name)));
  const isLifted = rollback || (names.length === 0 && !isPaused);
  return { ...holds, resumed, suspended, ...(isLifted && { quarantined: [], pin: null }) };
}

/** Goes back: the loop keeps to this generation and does not take what is quarantined. */
export function rollBack(holds: Holds, pin: Pin, bad: Quarantine | null): Holds {
  const others = holds.quarantined.filter(({ release }) => release !== bad?.release);
  return { ...holds, pin, bake: null, quarantined: bad === null ? others : [...others, bad].slice(-REMEMBERED) };
}

export function approve(holds: Holds, approval: Approval): Holds {
  const others = holds.approved.filter(({ plan }) => plan !== approval.plan);
  return { ...holds, approved: [...others, approval].slice(-REMEMBERED) };
}

/** True if a person let through every one of these changes. */
export function isApproved({ approved }: Holds, changes: readonly string[]): boolean {
  return approved.some(({ covers }) => changes.every((change) => covers.includes(change)));
}

/** An approval is for once: these changes are through. */
export function useUp(holds: Holds, changes: readonly string[]): Holds {
  const left = holds.approved.map((one) => ({ ...one, covers: one.covers.filter((change) => !changes.includes(change)) }));
  return { ...holds, approved: left.filter(({ covers }) => covers.length > 0) };
}

/** Models that are suspended at a time, and the whole stack as `*`. `at` in milliseconds since 1970. */
export function suspendedAt({ suspended }: Holds, at: number): ReadonlyMap<string, Suspension> {
  return new Map(Object.entries(suspended).filter(([, { until }]) => until === null || Date.parse(until) > at));
}

/** As it is at a time: suspensions that have ended by themselves are left out. */
export function holdsAt(holds: Holds, at: number): Holds {
  return { ...holds, suspended: Object.fromEntries(suspendedAt(holds, at)) };
}

/** Why a release is not to be applied; null: it may be. */
export function quarantineOf({ quarantined }: Holds, release: string): Quarantine | null {
  return quarantined.find((one) => one.release === release) ?? null;
}
