import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { applyPlan, type ApplyOptions, type ApplyResult } from '../../src/apply/index.ts';
import type { Event } from '../../src/domain/event.ts';
import type { Lease } from '../../src/domain/ledger.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { acquireLease, openState, type Disk, type State } from '../../src/state/index.ts';
import { startWorld, type World, type WorldOptions } from '../world/server.ts';
import { driversOf, planOf, type StackTold } from '../world/stack.ts';

/** A world, a state folder, and the way from a told stack to an applied one. */
export interface Bench {
  readonly world: World;
  readonly dir: string;
  readonly state: State;
  readonly events: Event[];
  plan(told: StackTold): Promise<Plan>;
  apply(plan: Plan, told: StackTold, options?: Partial<ApplyOptions>): Promise<ApplyResult>;
  /** Plans and applies. */
  converge(told: StackTold, options?: Partial<ApplyOptions>): Promise<ApplyResult>;
}

const cleanups: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A folder of the test's own, removed when its file is through. */
export async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'llmops-apply-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** The state is on the real disk, unless another is handed in: many runs are faster without one. */
export async function bench(options: WorldOptions = {}, disk?: Disk): Promise<Bench> {
  const world = await startWorld(options);
  cleanups.push(() => world.close());
  const dir = await folder();
  const state = await openState(dir, disk);
  const events: Event[] = [];
  const plan = async (told: StackTold) => planOf(told, world.url, driversOf(told, world.url, dir), (await state.read()).inventory);
  const apply = async (made: Plan, told: StackTold, more: Partial<ApplyOptions> = {}) => {
    const lease = disk ? nobodyElse() : await acquireLease(dir, { command: 'test', waitMs: 0 });
    try {
      return await applyPlan(made, {
        ...usual(driversOf(told, world.url, dir), state),
        lease,
        emit: (event) => void events.push(event),
        ...more,
      });
    } finally {
      lease.release();
    }
  };
  return { world, dir, state, events, plan, apply, converge: async (told, more) => apply(await plan(told), told, more) };
}

let token = 0;
/** A lease on a state that no other process can see. */
function nobodyElse(): Lease {
  token += 1;
  return { token, verify: () => undefined, release: () => undefined };
}

function usual(drivers: ApplyOptions['drivers'], state: State): Omit<ApplyOptions, 'lease' | 'emit'> {
  return {
    drivers,
    state,
    fetch: async () => undefined,
    signal: new AbortController().signal,
    parallelism: 10,
    patienceMs: 0,
    clock: { now: () => new Date().toISOString(), monotonicMs: () => performance.now() },
    who: 'tester@here',
    source: { file: '/x/llmops.yaml', text: 'version: 1\n', commit: null },
  };
}
