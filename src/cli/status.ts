import type { CliContext, StackFlags } from './context.ts';
import { EXIT } from './exit.ts';
import { print, printJson, screenOf } from './screen.ts';
import { openSession } from './session.ts';
import { writeSnapshot } from './snapshot.ts';
import { planFor, survey } from './survey.ts';

export interface StatusFlags extends StackFlags {
  readonly output: 'table' | 'wide' | 'json';
  readonly json?: boolean;
  readonly exitCode?: boolean;
  readonly snapshot?: string;
  readonly observeTimeout: number;
}

/** `llmops status`: what is wanted, what engines were told, what is in force, and why they differ. Changes nothing. */
export async function run(context: CliContext, flags: StatusFlags, names: readonly string[]): Promise<number> {
  const session = await openSession(context, flags);
  const seen = await survey(session, context, { observeTimeout: flags.observeTimeout });
  if (flags.snapshot) await writeSnapshot(flags.snapshot, session, seen, context);
  const plan = await planFor(session, seen, 'apply', { target: names, allowDestroy: true });
  const { makeStatus } = await import('../status/index.ts');
  const { renderStatusText, statusDocument } = await import('../render/index.ts');
  const status = makeStatus({ desired: session.desired, plan, observed: seen.observed, inventory: seen.inventory, now: context.now() });
  if (flags.json || flags.output === 'json') await printJson(context.stdout, statusDocument(status));
  else {
    const screen = screenOf(context.stdout, context, flags);
    await print(context.stdout, renderStatusText(status, { ...screen, now: context.now(), wide: flags.output === 'wide' }));
  }
  const fine = plan.steps.length === 0 && plan.summary.blocked === 0;
  return flags.exitCode && !fine ? EXIT.changes : EXIT.ok;
}
