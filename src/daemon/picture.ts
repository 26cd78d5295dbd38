import type { DaemonCondition, DaemonPicture, FollowedRelease } from '../domain/daemon-picture.ts';
import { short, type Trouble } from './follower.ts';
import type { Standing } from './loop-parts.ts';
import { needsPerson, obstaclesOf, stalledIn } from './stalling.ts';
import type { Release } from './types.ts';

/** What a picture is made of. Milliseconds on the two clocks. */
export interface Sitting {
  readonly pid: number;
  readonly who: string;
  readonly since: string;
  readonly follows: string;
  readonly release: Release | null;
  readonly trouble: Trouble | null;
  readonly standing: Standing;
  readonly isStopping: boolean;
  readonly outdated: readonly string[];
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Pure: what the loop is at, as others are told. */
export function pictureOf({ release, trouble, standing, wallMs, monotonicMs, isStopping, ...who }: Sitting): DaemonPicture {
  const { parked, holds, phase } = standing;
  const wallOf = (ms: number): string => iso(wallMs + ms - monotonicMs);
  return {
    formatVersion: '1.0',
    ...who,
    at: iso(wallMs),
    phase: isStopping ? 'stopping' : phase,
    roundMs: standing.roundMs,
    newest: release === null ? null : { release: release.id, commit: release.commit, subject: release.about?.subject ?? null },
    inForce: isInForce(standing, release),
    trouble: trouble && { kind: trouble.kind, commit: trouble.commit, since: wallOf(trouble.sinceMs), problems: trouble.problems },
    target: targetWords(standing, release),
    stalled: stalledIn(standing, trouble),
    parked: parked && {
      key: parked.key,
      covers: parked.covers,
      why: parked.why,
      summary: parked.summary,
      until: parked.untilMs === null ? null : iso(parked.untilMs),
      models: standing.parkedModels,
    },
    held: standing.held,
    waiting: standing.waiting.map(({ model, why: cause, times, at }) => ({
      model,
      why: cause,
      times,
      at: wallOf(Math.max(at, monotonicMs)),
    })),
    suspended: holds.suspended,
    pin: holds.pin,
    bake: holds.bake,
    conditions: conditionsOf(standing, release, trouble),
  };
}

/** A release as others can open it. */
export function followedIn({ id, commit, session }: Release): FollowedRelease {
  const { text, desired, lock, attached } = session;
  return {
    release: id,
    commit,
    environment: desired.environment,
    text,
    lock: lock === undefined || lock === null ? null : new TextDecoder().decode(lock),
    attached: attached ?? {},
  };
}

function targetWords({ target }: Standing, release: Release | null): string {
  if (target.kind === 'generation') return `generation ${target.number}`;
  if (target.kind === 'in-force') return 'what is in force';
  return release === null || release.commit === null ? `release ${target.id}` : `commit ${short(release.commit)}`;
}

/** Whatever may have come after it and cannot be used. */
function isInForce(standing: Standing, release: Release | null): boolean {
  const { target, phase, roundMs, left, waiting } = standing;
  const isMeant = release !== null && target.kind === 'release' && target.id === release.id;
  const isIdle = phase !== 'applying' && phase !== 'suspended';
  return isMeant && isIdle && roundMs !== null && left.length + waiting.length === 0 && obstaclesOf(standing, release, null).length === 0;
}

function conditionsOf(standing: Standing, release: Release | null, trouble: Trouble | null): readonly DaemonCondition[] {
  const obstacles = obstaclesOf(standing, release, trouble);
  const [busy, first] = [standing.phase === 'applying', obstacles[0]];
  const stalled = obstacles.find(needsPerson);
  const left = standing.left.length > 0 ? `Not as wanted: ${standing.left.join(', ')}.` : 'It is being brought there.';
  return [
    isInForce(standing, release) && first === undefined
      ? say('Ready', true, 'InForce', 'What is declared is in force.')
      : say('Ready', false, first?.reason ?? 'NotInForce', first?.message ?? left),
    busy ? say('Reconciling', true, 'Applying', left) : say('Reconciling', false, 'Idle', 'Nothing is being changed.'),
    stalled ? say('Stalled', true, stalled.reason, stalled.message) : say('Stalled', false, 'None', 'Nothing waits for a person.'),
  ];
}

function say(type: DaemonCondition['type'], holds: boolean, reason: string, message: string): DaemonCondition {
  return { type, status: holds ? 'True' : 'False', reason, message };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
