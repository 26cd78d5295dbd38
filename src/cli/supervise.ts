import { setTimeout as pause } from 'node:timers/promises';
import { lookedAfter } from '../stack/looked-after.ts';
import type { Supervision } from '../domain/status.ts';
import { compareText } from '../domain/text.ts';
import { problemOf } from '../domain/problem.ts';
import { carryOut, type Order } from './carry-out.ts';
import type { CliContext } from './context.ts';
import { printProblems } from './failure.ts';
import { say } from './screen.ts';
import { planFor, survey } from '../stack/survey.ts';
import { CrashWatch, Reminders, type Watched } from '../stack/crash-watch.ts';

/** Pause between two looks, in milliseconds. */
const EVERY_MS = 1000;
const COMMAND = 'llmops apply --supervise';

/**
 * Stays after an apply: starts anew what crashes, with growing pauses, and keeps logs short. Everything it does
 * is an apply of its own, with lease, journal and history. Ends with the first signal; engines go on running.
 */
export async function supervise(order: Order): Promise<number> {
  const { context } = order;
  await say(context.stderr, 'Supervising: what crashes is started anew. Ctrl-C ends this; the engines go on running.');
  const watch = new CrashWatch();
  const { stateDir } = await order.open();
  const { noteSupervisor } = await import('../state/index.ts');
  const note = noteSupervisor(stateDir, COMMAND);
  note.say([]);
  const reminders = new Reminders();
  while (await rest(context)) {
    try {
      await round(order, watch);
      reminders.forget('round');
    } catch (error) {
      const problem = problemOf(error);
      const isNews = !context.signal.aborted && reminders.isDue('round', `${problem.code} ${problem.summary}`, performance.now());
      if (isNews) await printProblems([problem], context, order.flags);
    }
    note.say(retriesOf(watch));
  }
  note.end();
  const code = context.signalExitCode() ?? 0;
  context.stderr.write(`${SIGNALS[code] ?? 'Told to stop'}: supervising ends. The engines go on running; what crashes now stays down.\n`);
  return code;
}

/** What ended it, by its exit code. */
const SIGNALS: Readonly<Record<number, string>> = { 130: 'Ctrl-C', 143: 'SIGTERM' };

function retriesOf(watch: CrashWatch): Supervision['retries'] {
  const [clock, now] = [performance.now(), Date.now()];
  const retries = watch.waiting().map(({ model, why, at, times }) => {
    const nextAt = new Date(Math.round((now + at - clock) / 1000) * 1000).toISOString(); // to the second, or it would never be the same twice
    return { model, times, nextAt, why };
  });
  return retries.sort((a, b) => compareText(a.model, b.model));
}

async function round(order: Order, watch: CrashWatch): Promise<void> {
  const { context, flags } = order;
  const session = await order.open();
  const { currentHolder } = await import('../state/index.ts');
  const isBusy = () => currentHolder(session.stateDir) !== null;
  const wasBusy = isBusy();
  const seen = await survey(session, context);
  for (const driver of Object.values(seen.drivers)) await driver.tend?.();
  const plan = await planFor(session, seen, 'apply', { allowDestroy: true });
  const { due, events } = watch.look(plan, performance.now(), { ...lookedAfter(seen), busy: wasBusy || isBusy() });
  for (const event of events) await say(context.stderr, words(event));
  if (due.length === 0) return;
  await carryOut({ ...order, flags: { ...flags, autoApprove: true, target: due }, command: COMMAND, trigger: 'crash' });
  watch.started(due, performance.now());
}

function words(event: Watched): string {
  if (event.type === 'blocked') {
    const { summary, code, fix } = event.problem;
    const advice = fix === undefined ? '' : ` ${fix}`;
    return `${event.model}: ${event.why === null ? '' : `${event.why} It cannot be started anew: `}${summary} [${code}]${advice}`;
  }
  return `${event.model}: ${event.why} Starting it anew in ${event.inMs < 1000 ? `${event.inMs} ms` : `${event.inMs / 1000} s`}.`;
}

/** False once a signal has come. */
async function rest(context: CliContext): Promise<boolean> {
  await pause(EVERY_MS, undefined, { signal: context.signal }).catch(() => undefined);
  return !context.signal.aborted;
}
