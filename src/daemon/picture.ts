import type { DaemonCondition, DaemonPicture } from '../domain/daemon-picture.ts';
import { quarantineOf, WHOLE_STACK } from '../domain/holds.ts';
import type { Problem } from '../domain/problem.ts';
import { short, type Trouble } from './follower.ts';
import type { Standing } from './loop-parts.ts';
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
  const { parked, holds, phase, stalled } = standing;
  const why = [...(trouble?.problems ?? []), ...stalled];
  return {
    formatVersion: '1.0',
    ...who,
    at: iso(wallMs),
    phase: isStopping ? 'stopping' : phase,
    roundMs: standing.roundMs,
    newest: release === null ? null : { release: release.id, commit: release.commit, subject: release.about?.subject ?? null },
    target: targetWords(standing, release),
    stalled: why,
    parked: parked && {
      key: parked.key,
      covers: parked.covers,
      why: parked.why,
      summary: parked.summary,
      until: parked.untilMs === null ? null : iso(parked.untilMs),
    },
    waiting: standing.waiting.map(({ model, why: cause, times, at }) => ({
      model,
      why: cause,
      times,
      at: iso(wallMs + Math.max(0, at - monotonicMs)),
    })),
    suspended: holds.suspended,
    pin: holds.pin,
    bake: holds.bake,
    conditions: conditionsOf(standing, release, why),
  };
}

function targetWords({ target }: Standing, release: Release | null): string {
  if (target.kind === 'generation') return `generation ${target.number}`;
  if (target.kind === 'in-force') return 'what is in force';
  return release === null || release.commit === null ? `release ${target.id}` : `commit ${short(release.commit)}`;
}

function conditionsOf(standing: Standing, release: Release | null, why: readonly Problem[]): readonly DaemonCondition[] {
  const [stalled, busy] = [stalledBy(standing, release, why), standing.phase === 'applying'];
  const isKnown = release !== null && standing.roundMs !== null;
  const isReady = isKnown && stalled === null && !busy && standing.left.length === 0 && standing.waiting.length === 0;
  const left = standing.left.length > 0 ? `Not as wanted: ${standing.left.join(', ')}.` : 'It is being brought there.';
  return [
    isReady
      ? yes('Ready', 'InForce', 'What is declared is in force.')
      : no('Ready', stalled?.reason ?? 'NotInForce', stalled?.message ?? left),
    busy ? yes('Reconciling', 'Applying', left) : no('Reconciling', 'Idle', 'Nothing is being changed.'),
    stalled ?? no('Stalled', 'None', 'Nothing waits for a person.'),
  ];
}

function stalledBy({ holds, parked }: Standing, release: Release | null, why: readonly Problem[]): DaemonCondition | null {
  const whole = holds.suspended[WHOLE_STACK];
  if (whole) return yes('Stalled', 'Suspended', `Suspended by ${whole.by}${whole.why === null ? '' : `: ${whole.why}`}.`);
  if (parked) return yes('Stalled', 'Parked', parked.why);
  const [first] = why;
  if (first) return yes('Stalled', reasonOf(first.code), first.summary);
  const bad = release && quarantineOf(holds, release.id);
  if (bad) return yes('Stalled', 'Quarantined', `The newest release was rolled back by ${bad.by}${bad.why === null ? '' : `: ${bad.why}`}`);
  return null;
}

/** `git-branch-gone` -> `GitBranchGone` */
function reasonOf(code: string): string {
  return code.replace(/(?:^|-)([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}

function yes(type: DaemonCondition['type'], reason: string, message: string): DaemonCondition {
  return { type, status: 'True', reason, message };
}

function no(type: DaemonCondition['type'], reason: string, message: string): DaemonCondition {
  return { type, status: 'False', reason, message };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
