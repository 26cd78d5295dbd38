import { canonicalJson } from '../../domain/canonical.ts';
import type { Generation } from '../../domain/generation.ts';
import type { AppliedModel } from '../../domain/observed.ts';
import type { Change, Plan } from '../../domain/plan.ts';
import { asSentence, errorsIn, ProblemError, type Problem } from '../../domain/problem.ts';
import { sessionOfGeneration } from '../../stack/last-session.ts';
import type { Session } from '../../stack/session.ts';
import { listGenerations, readState } from '../../state/index.ts';
import type { CliContext } from '../context.ts';
import type { Way } from './way.ts';

type Blocked = Change & { readonly action: 'blocked' };

/**
 * Refuses a way back that does not lead there, before anything is held: what is held is not left again by itself, and the daemon would try
 * it for ever. What is blocked and the same there as here is no matter of the way. Throws a ProblemError `way-blocked`.
 */
export async function refuseImpassable({ to, session }: Way, plan: Plan, context: CliContext): Promise<void> {
  const errors = errorsIn(plan.problems);
  const blocked = plan.changes.filter((change): change is Blocked => change.action === 'blocked');
  if (errors.length + blocked.length === 0) return;
  const stuck = errors.length > 0 ? [] : await changing(blocked, session, context);
  if (errors.length + stuck.length > 0) throw impassable(to, errors, stuck);
}

/** Those that shall run as something else than what they were applied as. */
async function changing(blocked: readonly Blocked[], session: Session, context: CliContext): Promise<readonly Blocked[]> {
  const { stateDir, paths } = session;
  const [{ inventory }, generations] = await Promise.all([readState(stateDir), listGenerations(stateDir)]);
  const declaredIn = async (number: number, model: string): Promise<string> => {
    const generation = generations.find((one) => one.number === number);
    return declared(generation ? await sessionOfGeneration(generation, { paths, stateDir, context }) : null, model);
  };
  const isSame = async ({ model, wish }: Blocked, applied: AppliedModel | undefined): Promise<boolean> => {
    if (applied === undefined) return false;
    return wish === null ? (await declaredIn(applied.generation, model)) === declared(session, model) : wish.specHash === applied.specHash;
  };
  const found = await Promise.all(blocked.map(async (change) => ((await isSame(change, inventory.models[change.model])) ? [] : [change])));
  return found.flat();
}

function declared(session: Session | null, model: string): string {
  return canonicalJson(session?.desired.models.find(({ name }) => name === model) ?? null);
}

function impassable({ number }: Generation, errors: readonly Problem[], stuck: readonly Blocked[]): ProblemError {
  const why = [
    ...errors.map(asSentence),
    ...stuck.map(({ model, problem }) => `${problem.summary.includes(model) ? '' : `${model}: `}${asSentence(problem)}`),
  ];
  const [mend] = [...errors, ...stuck.map(({ problem }) => problem)].flatMap(({ fix }) => fix ?? []);
  return new ProblemError({
    code: 'way-blocked',
    summary: `There is no way back to generation ${number} now: ${why.join(' ')} Nothing was changed, and nothing is held.`,
    fix: `${mend === undefined ? '' : `${mend} `}Or go elsewhere: llmops history, llmops rollback N`,
  });
}
