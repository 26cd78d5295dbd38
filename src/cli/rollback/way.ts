import type { DaemonPicture } from '../../domain/daemon-picture.ts';
import type { Generation } from '../../domain/generation.ts';
import { rollBack, type Holds, type Mark, type Quarantine } from '../../domain/holds.ts';
import { ProblemError } from '../../domain/problem.ts';
import { sessionOfGeneration } from '../../stack/last-session.ts';
import { goodOthers, releaseOfGeneration } from '../../stack/release.ts';
import type { Session } from '../../stack/session.ts';
import { listGenerations, readHolds, readState } from '../../state/index.ts';
import type { CliContext } from '../context.ts';

/** Where to go back to, and from what. */
export interface Way {
  readonly to: Generation;
  readonly session: Session;
  /** What is not to come back by itself. */
  readonly left: readonly Left[];
}

/** A release that is gone back from. */
export type Left = Pick<Quarantine, 'release' | 'commit' | 'generation'>;

/** What a person said, and what the daemon is at; null: none runs. */
interface Asked {
  readonly given: string | undefined;
  readonly picture: DaemonPicture | null;
}

/** Finds the generation that is meant, or the one before what is in force. Throws a ProblemError `no-generation`. */
export async function wayBack(now: Session, { given, picture }: Asked, context: CliContext): Promise<Way> {
  const { stateDir, paths } = now;
  const [generations, { inventory }, { holds }] = await Promise.all([listGenerations(stateDir), readState(stateDir), readHolds(stateDir)]);
  const from = generations.find(({ number }) => number === inventory.generation) ?? null;
  const to =
    given === undefined
      ? goodOthers(generations, from && releaseOfGeneration(from), holds)[0]
      : generations.find(({ number }) => String(number) === given);
  if (!to) throw nothingToGoBackTo(given, generations);
  const session = await sessionOfGeneration(to, { paths, stateDir, context });
  if (session) return { to, session, left: leftFor(to, from, picture) };
  throw new ProblemError({
    code: 'no-generation',
    summary: `Generation ${to.number} was recorded by another version of llmops, and its file is not understood by this one.`,
    fix: `See it: llmops show ${to.number}`,
  });
}

function nothingToGoBackTo(given: string | undefined, generations: readonly Generation[]): ProblemError {
  const kept = generations.map(({ number }) => number);
  const range = kept.length === 0 ? 'none' : `${Math.min(...kept)} to ${Math.max(...kept)}`;
  return new ProblemError({
    code: 'no-generation',
    summary:
      given === undefined
        ? 'There is no earlier generation that declares anything else.'
        : `There is no generation ${given}. Kept: ${range}.`,
    fix: 'See which there are: llmops history',
  });
}

/** What is in force, and what the daemon follows, is not to come back by itself; what is gone back to may. */
function leftFor(to: Generation, from: Generation | null, picture: DaemonPicture | null): readonly Left[] {
  const target = releaseOfGeneration(to);
  const newest = picture?.newest ?? null;
  return [
    ...(newest === null ? [] : [{ release: newest.release, commit: newest.commit, generation: null }]),
    ...(from === null ? [] : [{ release: releaseOfGeneration(from), commit: from.source.commit, generation: from.number }]),
  ].filter(({ release }) => release !== target);
}

/** As it is held from now on. */
export function held(holds: Holds, { to, left }: Pick<Way, 'to' | 'left'>, mark: Mark): Holds {
  const target = releaseOfGeneration(to);
  const open = { ...holds, quarantined: holds.quarantined.filter(({ release }) => release !== target) };
  const bad = left.map((one) => ({ ...mark, ...one }));
  return [...bad, null].reduce((all: Holds, one) => rollBack(all, { ...mark, generation: to.number }, one), open);
}
