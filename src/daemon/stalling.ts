import type { HeldModel } from '../domain/daemon-picture.ts';
import { quarantineOf, WHOLE_STACK, type Mark } from '../domain/holds.ts';
import type { Problem } from '../domain/problem.ts';
import type { Trouble } from './follower.ts';
import type { Standing } from './loop-parts.ts';
import type { Release } from './types.ts';
import { clause } from '../domain/text.ts';

/** Why what is declared is not in force, or is not the newest. */
export interface Obstacle {
  /** For programs: `Parked`. */
  readonly reason: string;
  readonly message: string;
  /** False: it goes by itself, with time or when what is away comes back. */
  readonly person: boolean;
}

/** What comes back without anybody doing anything here: codes of problems. */
const PASSING: ReadonlySet<string> = new Set(['git-unavailable', 'no-daemon', 'backend-unreachable', 'copy-unknown']);

export const needsPerson = ({ person }: Obstacle): boolean => person;

/** What keeps the newest release from being in force, the first first; then what keeps a newer one from being it. */
export function obstaclesOf(standing: Standing, release: Release | null, trouble: Trouble | null): readonly Obstacle[] {
  const { holds, parked, stalled, blocked, held, left } = standing;
  const whole = holds.suspended[WHOLE_STACK];
  const bad = release && quarantineOf(holds, release.id);
  const asleep = Object.entries(holds.suspended).filter(([name]) => left.includes(name));
  return [
    ...(whole ? [suspension('Suspended', whole)] : []),
    ...(parked ? [{ reason: 'Parked', message: parkedWords(parked), person: parked.untilMs === null }] : []),
    ...stalled.map(ofProblem),
    ...(bad ? [{ reason: 'Quarantined', message: because(`The newest release was rolled back by ${bad.by}`, bad), person: true }] : []),
    ...held.map((one) => ({ ...ofProblem(contested(one)), reason: 'Contested' })),
    ...blocked.map(ofProblem),
    ...asleep.map(([name, one]) => suspension(`${name} is suspended`, one)),
    ...(trouble?.problems ?? []).map((problem) => ({ ...ofProblem(problem), ...(trouble?.kind === 'unavailable' && awayReason(problem)) })),
  ];
}

/** Every problem that it does not get past by itself: those of its source first. */
export function stalledIn({ stalled, held, blocked }: Standing, trouble: Trouble | null): readonly Problem[] {
  const all = [...(trouble?.problems ?? []), ...stalled, ...held.map(contested), ...blocked];
  return all.filter(({ code }) => !PASSING.has(code));
}

function contested({ model, field }: HeldModel): Problem {
  return {
    severity: 'error',
    code: 'contested',
    summary: `${model} is left as it is: somebody else changes ${field} back each time that it is put right.`,
    fix: 'Find the other one, then: llmops reconcile',
    model,
  };
}

function ofProblem({ code, summary }: Problem): Obstacle {
  return { reason: pascal(code), message: summary, person: !PASSING.has(code) };
}

/** Programs are to tell a remote that is away from one that will stay so. */
function awayReason({ code }: Problem): { readonly reason?: string } {
  return PASSING.has(code) ? { reason: 'SourceUnavailable' } : {};
}

function suspension(what: string, mark: Mark & { readonly until: string | null }): Obstacle {
  const end = mark.until === null ? '' : `, until ${mark.until}`;
  return { reason: 'Suspended', message: because(`${what} by ${mark.by}${end}`, mark), person: mark.until === null };
}

function parkedWords({ why, untilMs }: NonNullable<Standing['parked']>): string {
  return untilMs === null ? why : `${why} It waits until ${new Date(untilMs).toISOString()}.`;
}

/** As a sentence, with a person's words where there are any. */
function because(what: string, { why }: Mark): string {
  return `${what}${why === null ? '' : `: ${clause(why)}`}.`;
}

/** `git-branch-gone` -> `GitBranchGone` */
function pascal(code: string): string {
  return code.replace(/(?:^|-)([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}
