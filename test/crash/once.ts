import { applyPlan, type ApplyResult } from '../../src/apply/index.ts';
import type { Lease } from '../../src/domain/ledger.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { State } from '../../src/state/index.ts';
import { driversOf, planOf, type StackTold } from '../world/stack.ts';
import { mortalDrivers, mortalLedger, type CrashPoint } from './mortal.ts';

export interface Attempt {
  readonly told: StackTold;
  readonly url: string;
  readonly state: State;
  readonly lease: Lease;
  readonly point: CrashPoint;
}

/** Observes, plans and applies once, as the main program does, dying where `point` says. */
export async function applyOnce({
  told,
  url,
  state,
  lease,
  point,
}: Attempt): Promise<{ readonly plan: Plan; readonly result: ApplyResult }> {
  const drivers = driversOf(told, url, state.dir);
  const plan = await nextPlan({ told, url, state });
  const result = await applyPlan(plan, {
    drivers: mortalDrivers(drivers, point),
    state: mortalLedger(state, point),
    lease,
    fetch: async () => undefined,
    emit: () => undefined,
    signal: new AbortController().signal,
    parallelism: 10,
    clock: { now: () => new Date().toISOString(), monotonicMs: () => performance.now() },
    who: 'tester@here',
    source: { file: '/x/llmops.yaml', text: JSON.stringify(told), commit: null },
  });
  return { plan, result };
}

/** What would be done now. */
export async function nextPlan({ told, url, state }: Pick<Attempt, 'told' | 'url' | 'state'>): Promise<Plan> {
  return planOf(told, url, driversOf(told, url, state.dir), (await state.read()).inventory);
}
