import { setTimeout as pause } from 'node:timers/promises';
import { problemOf } from '../domain/problem.ts';
import { carryOut, type Order } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { printProblems } from './failure.ts';
import { planFor, survey } from './survey.ts';
import { CrashWatch, type Watched } from './watch.ts';

/** Pause between two looks, in milliseconds. */
const EVERY_MS = 1000;

/**
 * Stays after an apply: starts anew what crashes, with growing pauses and an end, and keeps logs short. Everything it does
 * is an apply of its own, with lease, journal and history. Ends with the first signal; engines go on running.
 */
export async function supervise(order: Order): Promise<number> {
  const { context } = order;
  context.stderr.write('Supervising: what crashes is started anew. Ctrl-C ends this; the engines go on running.\n');
  const watch = new CrashWatch();
  while (await rest(context)) {
    try {
      await round(order, watch);
    } catch (error) {
      if (!context.signal.aborted) await printProblems([problemOf(error)], context, order.flags);
    }
  }
  return context.signalExitCode() ?? 0;
}

async function round(order: Order, watch: CrashWatch): Promise<void> {
  const { context, flags } = order;
  const session = await order.open();
  const seen = await survey(session, context);
  for (const driver of Object.values(seen.drivers)) await driver.tend?.();
  const plan = await planFor(session, seen, 'apply', { allowDestroy: true });
  const { due, events } = watch.look(plan, performance.now());
  for (const event of events) context.stderr.write(`${words(event)}\n`);
  if (due.length === 0) return;
  await carryOut({ ...order, flags: { ...flags, autoApprove: true, target: due }, command: 'llmops apply --supervise' });
  watch.started(due, performance.now());
}

function words(event: Watched): string {
  const next = event.type === 'gave-up' ? 'It is left alone now; `llmops apply` tries again.' : `Starting it anew in ${event.inMs} ms.`;
  return `${event.model}: ${event.why} ${next}`;
}

/** False once a signal has come. */
async function rest(context: CliContext): Promise<boolean> {
  await pause(EVERY_MS, undefined, { signal: context.signal }).catch(() => undefined);
  return !context.signal.aborted;
}
