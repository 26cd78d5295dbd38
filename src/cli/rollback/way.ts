import type { Generation } from '../../domain/generation.ts';
import { quarantineOf, rollBack, type Holds, type Mark, type Quarantine } from '../../domain/holds.ts';
import { ProblemError } from '../../domain/problem.ts';
import { isGood } from '../../domain/retention.ts';
import { sessionOfGeneration } from '../../stack/last-session.ts';
import { firstWithWeights } from '../../stack/local-weights.ts';
import { goodOthers, releaseOfGeneration } from '../../stack/release.ts';
import type { Session } from '../../stack/session.ts';
import { listGenerations, readHolds, readState } from '../../state/index.ts';
import type { CliContext } from '../context.ts';
import type { Declared } from './declared.ts';

/** Where to go back to, and from what. */
export interface Way {
  readonly to: Generation;
  readonly session: Session;
  /** What is not to come back by itself. */
  readonly left: readonly Left[];
}

/** A release that is gone back from. */
export type Left = Pick<Quarantine, 'release' | 'commit' | 'generation'>;

/** What a person said. */
interface Asked {
  readonly given: string | undefined;
  /** See {@link declaredNow}. */
  readonly declared: Declared | null;
}

/** Finds the generation that is meant, or the one before what is gone back from. Throws a ProblemError `no-generation`. */
export async function wayBack(now: Session, { given, declared }: Asked, context: CliContext): Promise<Way> {
  const { stateDir, paths } = now;
  const [generations, { inventory }, { holds }] = await Promise.all([listGenerations(stateDir), readState(stateDir), readHolds(stateDir)]);
  const from = generations.find(({ number }) => number === inventory.generation) ?? null;
  const tried = triedInVain(declared, generations, holds);
  const ways = goodOthers(generations, tried ?? (from && releaseOfGeneration(from)), holds);
  // Where none can be had, the plan of the nearest one says why.
  const nearest = async () => (await firstWithWeights(ways, { paths, stateDir, context }, generations[0])) ?? ways[0];
  const to = given === undefined ? await nearest() : generations.find(({ number }) => String(number) === given);
  if (!to) throw nothingToGoBackTo(given, generations);
  const session = await sessionOfGeneration(to, { paths, stateDir, context });
  if (session) return { to, session, left: leftFor(to, { generations, from, declared }) };
  throw new ProblemError({
    code: 'no-generation',
    summary: `Generation ${to.number} was recorded by another version of llmops, and its file is not understood by this one.`,
    fix: `See it: llmops show ${to.number}`,
  });
}

/**
 * A release that is declared, was begun and did not come to be, while what was before it serves on: that one is to be left, and
 * what serves is what one goes back to. null: there is none.
 */
function triedInVain(declared: Declared | null, generations: readonly Generation[], holds: Holds): string | null {
  if (declared === null || quarantineOf(holds, declared.release) !== null) return null;
  const last = generations.find((one) => one.mode === 'apply' && releaseOfGeneration(one) === declared.release);
  return last !== undefined && !isGood(last) ? declared.release : null;
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

interface Past {
  /** Newest first. */
  readonly generations: readonly Generation[];
  /** What is in force; null: that is not known. */
  readonly from: Generation | null;
  readonly declared: Declared | null;
}

/** What is not to come back by itself: what is in force, what a daemon would work towards, and what did not come to be since. What is gone back to may. */
function leftFor(to: Generation, { generations, from, declared }: Past): readonly Left[] {
  const target = releaseOfGeneration(to);
  const force = from === null ? to.number : (generations.findLast((one) => isGood(one) && isSame(one, from))?.number ?? to.number);
  const cutOff = generations.filter((one) => one.number > Math.max(to.number, force) && one.mode === 'apply' && !isGood(one));
  const known = [...cutOff, ...(from === null ? [] : [from])].map((one) => ({ release: releaseOfGeneration(one), commit: commitOf(one) }));
  const all = [...known, ...(declared === null ? [] : [{ release: declared.release, commit: declared.commit }])];
  return [...Map.groupBy(all, ({ release }) => release)]
    .filter(([release]) => release !== target)
    .map(([release, [one, ...more]]) => ({
      release,
      commit: [one, ...more].find((each) => each?.commit)?.commit ?? null,
      generation: generations.find((each) => releaseOfGeneration(each) === release)?.number ?? null,
    }));
}

function isSame(a: Generation, b: Generation): boolean {
  return releaseOfGeneration(a) === releaseOfGeneration(b);
}

/** Of git, if the text was just that commit's. */
function commitOf({ source: { commit } }: Generation): string | null {
  return commit?.endsWith('-dirty') ? null : commit;
}

/** As it is held from now on. */
export function held(holds: Holds, { to, left }: Pick<Way, 'to' | 'left'>, mark: Mark): Holds {
  const target = releaseOfGeneration(to);
  const open = { ...holds, quarantined: holds.quarantined.filter(({ release }) => release !== target) };
  const bad = left.map((one) => ({ ...mark, ...one }));
  return [...bad, null].reduce((all: Holds, one) => rollBack(all, { ...mark, generation: to.number }, one), open);
}
