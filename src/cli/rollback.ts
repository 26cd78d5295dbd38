import { askStatus } from '../control/client.ts';
import type { Plan } from '../domain/plan.ts';
import type { Session } from '../stack/session.ts';
import { planFor, survey } from '../stack/survey.ts';
import { changeHolds } from '../state/index.ts';
import { approve } from './ask.ts';
import { carryOut } from './carry-out.ts';
import type { CliContext, StackFlags } from './context.ts';
import { openSessionOrLast } from './last-applied.ts';
import { declaredNow } from './rollback/declared.ts';
import { wayHeader } from './rollback/header.ts';
import { refuseImpassable } from './rollback/passable.ts';
import { held, wayBack } from './rollback/way.ts';
import { watchDaemon } from './rollback/watch.ts';
import { print, say, screenOf } from './screen.ts';
import { markOf } from './hold.ts';

export interface RollbackFlags extends StackFlags {
  readonly autoApprove?: boolean;
  readonly reason?: string;
}

/**
 * `llmops rollback [generation]`: shows a plan, and goes back: by the daemon where one runs, else by itself. What was in force is
 * quarantined, so that the loop does not bring it back. Needs neither git nor a network while the weights are on this machine.
 */
export async function run(context: CliContext, flags: RollbackFlags, [given]: readonly string[]): Promise<number> {
  const { session: now } = await openSessionOrLast(context, flags);
  const picture = await askStatus(now.stateDir);
  const declared = await declaredNow(now, picture, context, flags);
  const way = await wayBack(now, { given, declared }, context);
  const hold = () => changeHolds(now.stateDir, (holds) => held(holds, way, markOf(context, flags.reason)));
  const check = (plan: Plan) => refuseImpassable(way, plan, context);
  await print(context.stdout, `${await wayHeader(way.to, now.stateDir, context.now())}\n`);
  const command = `llmops rollback ${way.to.number}`;
  if (picture === null || picture.phase === 'suspended') {
    if (picture !== null)
      await say(context.stderr, 'The stack is suspended, so its daemon changes nothing: this command goes back by itself.');
    const order = { open: async () => way.session, context, flags: { ...flags, ...DEFAULTS }, mode: 'apply' as const, command };
    return carryOut({ ...order, trigger: 'rollback', question: 'rollback', check, onApproved: async () => void (await hold()) });
  }
  await check(await show(way.session, context, flags));
  if (!flags.autoApprove) await approve(context, 'rollback');
  await hold();
  await say(context.stdout, `\nThe daemon (pid ${picture.pid}) goes back to generation ${way.to.number}:`);
  return watchDaemon(way, now.stateDir, context);
}

const DEFAULTS = { parallelism: 10, lockTimeout: 30_000, allowDestroy: true };

async function show(session: Session, context: CliContext, flags: StackFlags): Promise<Plan> {
  const { renderPlanText } = await import('../render/index.ts');
  const { drivers: _, ...seen } = await survey(session, context);
  const plan = await planFor(session, seen, 'apply', { allowDestroy: true });
  await print(context.stdout, renderPlanText(plan, { ...screenOf(context.stdout, context, flags), now: context.now() }));
  return plan;
}
