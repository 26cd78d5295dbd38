import type { Plan } from '../domain/plan.ts';
import type { Session } from './session.ts';
import { planFor, type Survey } from './survey.ts';

/**
 * Models that are not as the text of the stack says, and that carrying out this plan leaves so: it is of others alone, or of the
 * stack as it is in force. Such a run is no state to go back to. Sorted.
 */
export async function leftOut(session: Session, seen: Omit<Survey, 'drivers'>, plan: Plan): Promise<readonly string[]> {
  const whole = plan.targets.length === 0 ? plan : await planFor(session, seen, plan.mode, { allowDestroy: true });
  return leftBy(plan, whole, session);
}

/** Pure. `whole`: the plan of all models at the same moment. */
export function leftBy({ changes }: Plan, whole: Plan, { lagging = [] }: Pick<Session, 'lagging'>): readonly string[] {
  const mine = new Set(changes.map(({ model }) => model));
  const others = whole.changes.filter(({ model, action }) => action !== 'keep' && !mine.has(model)).map(({ model }) => model);
  return [...new Set([...others, ...lagging])].sort();
}
