import type { Hash } from '../domain/canonical.ts';
import type { Trigger } from '../domain/generation.ts';
import type { Holds } from '../domain/holds.ts';
import type { Judging } from '../domain/policy.ts';
import type { Problem } from '../domain/problem.ts';
import type { Source } from '../source/types.ts';
import type { Session } from '../stack/session.ts';
import type { Parked } from './gate.ts';
import type { Decision, Pace } from './pace.ts';
import type { Target } from './target.ts';
import type { Acted, DaemonClock, Hands, Looked, Release, Telling } from './types.ts';

/** What the loop is made of. */
export interface LoopParts {
  readonly source: Source;
  readonly hands: Hands;
  readonly clock: DaemonClock;
  readonly tell: (event: Telling) => void;
  /** How often engines are looked at where nothing is known to have happened, as the file says now, in milliseconds. */
  readonly probeMs: () => number;
  /** What judges the newest release now. */
  readonly policy: () => Judging;
  /** Names this run of the machine; null: it does not tell. */
  readonly boot: string | null;
  /** Called before a cut-over after which the release is watched. */
  readonly onBake: () => void;
  /** True if a process that was seen to run is gone. Cheap: asked every second. */
  readonly isGone: (pid: number) => boolean;
  readonly hash: Hash;
}

/** What the loop is at, for whoever asks. */
export interface Standing {
  readonly target: Target;
  readonly phase: 'looking' | 'applying' | 'idle' | 'suspended';
  readonly parked: Parked | null;
  /** Why nothing further happens; empty: it does, or nothing has to. */
  readonly stalled: readonly Problem[];
  readonly waiting: Decision['waiting'];
  readonly holds: Holds;
  /** How long the last look at everything took, with what was done, in milliseconds; null: there was none yet. */
  readonly roundMs: number | null;
  /** Names of models that are not where they are wanted. */
  readonly left: readonly string[];
  readonly blocked: Decision['blocked'];
  readonly held: Decision['held'];
  /** Models whose changes are parked. */
  readonly parkedModels: readonly string[];
}

/** What a round comes to. */
export type Found = Pick<Standing, 'parked' | 'parkedModels' | 'stalled' | 'waiting' | 'left' | 'blocked' | 'held'>;

export const NOTHING: Found = { parked: null, parkedModels: [], stalled: [], waiting: [], left: [], blocked: [], held: [] };

/** What a run came to that was begun. */
export interface Begun {
  /** What was applied; null: something older. */
  readonly release: Release | null;
  readonly isBaked: boolean;
  /** It was given up for the crash of a model that it was not about. */
  readonly isPreempted: boolean;
  readonly acted: Acted;
}

/** One stack as it is worked on in a round. */
export interface Course {
  readonly target: Target;
  readonly session: Session;
  readonly pace: Pace;
  readonly looked: Looked;
  readonly signal: AbortSignal;
  /** As people are told. */
  readonly because: Trigger;
  /** Changes that a person let through, by model. */
  readonly approved: ReadonlyMap<string, string>;
}
