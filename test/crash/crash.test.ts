import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lease } from '../../src/domain/ledger.ts';
import { openState } from '../../src/state/index.ts';
import { memoryDisk } from '../world/memory-disk.ts';
import { startWorld, type World } from '../world/server.ts';
import type { WorldInstance } from '../world/world.ts';
import type { CrashPoint } from './mortal.ts';
import { applyOnce, nextPlan } from './once.ts';
import { inRealms } from './realms.ts';
import { picture, startsIn, type Picture } from './picture.ts';
import { scenarios, type Scenario } from './scenarios.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const alive: CrashPoint = () => undefined;

/** Dies at the k-th point: from there on, every effect of this process fails before it happens, as after a kill. */
function dyingAt(k: number): { readonly point: CrashPoint; readonly place: () => string | null } {
  let passed = 0;
  let place: string | null = null;
  const point: CrashPoint = (where) => {
    passed += 1;
    if (passed === k) place = where;
    if (passed >= k) throw new Error(`dead since ${place}`);
  };
  return { point, place: () => place };
}

const leaseOf = (token: number): Lease => ({ token, verify: () => undefined, release: () => undefined });

interface Ending {
  /** Where the first run died; null: nowhere. */
  readonly died: string | null;
  readonly picture: Picture;
  /** How many starts were asked for. */
  readonly starts: number;
  readonly nextSteps: number;
  /** How the first run's plan replaces what it changes. */
  readonly replacements: readonly (string | null)[];
}

/** A world and a disk as `before` leaves them, to be copied for each death. */
interface Stage {
  readonly realms: ReadonlyMap<string, readonly WorldInstance[]>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What serves and is what clients are sent to. */
function servingIn({ instances, endpoints }: Picture): readonly string[] {
  const sentTo = new Set(Object.values(endpoints).map((endpoint) => (endpoint as { readonly instance: string }).instance));
  const serving = Object.entries(instances).filter(([, seen]) => (seen as { readonly phase: string }).phase === 'serving');
  return serving.map(([id]) => (sentTo.has(id.replace(/^.*\//, '')) ? `${id} published` : id));
}

const REALMS = ['local', 'far'] as const;
const DIR = '/state';

async function prepare(scenario: Scenario): Promise<Stage> {
  const id = nextId();
  const disk = memoryDisk();
  const state = await openState(DIR, disk);
  if (scenario.before) await applyOnce({ told: inRealms(scenario.before, id), url: world.url, state, lease: leaseOf(1), point: alive });
  scenario.disturb?.(world.realm(`local-${id}`));
  return { realms: new Map(REALMS.map((name) => [name, [...world.realm(`${name}-${id}`).instances.values()]])), files: disk.files };
}

/** Dies at the k-th point, goes on in a second run, and looks at what is there. */
async function play(scenario: Scenario, stage: Stage, k: number): Promise<Ending> {
  const id = nextId();
  const disk = memoryDisk(new Map(stage.files));
  for (const [name, instances] of stage.realms) {
    for (const instance of instances) world.realm(`${name}-${id}`).instances.set(instance.id, structuredClone(instance));
  }
  const death = dyingAt(k);
  const attempt = { told: inRealms(scenario.wish, id), url: world.url, state: await openState(DIR, disk) };
  const planned = await nextPlan(attempt);
  const replacements = planned.changes.flatMap((change) => (change.action === 'update' ? [change.replacement] : []));
  const first = await applyOnce({ ...attempt, lease: leaseOf(2), point: death.point }).catch(() => null);
  const survived = death.place() === null && first !== null;
  if (!survived) await applyOnce({ ...attempt, lease: leaseOf(3), point: alive });
  const realms = REALMS.map((name) => `${name}-${id}`);
  const after = await picture(world, realms, DIR, disk);
  const next = await nextPlan(attempt);
  return { died: death.place(), picture: after, starts: startsIn(world, realms), nextSteps: next.steps.length, replacements };
}

let lastId = 0;
function nextId(): number {
  lastId += 1;
  return lastId;
}

describe('a run that dies at any point is finished by the next one: the world is the same as if nobody had died', () => {
  it.each(scenarios)('$name', async (scenario) => {
    const stage = await prepare(scenario);
    const whole = await play(scenario, stage, Infinity);
    expect(whole.died).toBeNull();
    if (scenario.replacement) expect(new Set(whole.replacements)).toEqual(new Set([scenario.replacement]));
    if (scenario.converges !== false) expect(whole.nextSteps).toBe(0);
    if (scenario.restores) expect(servingIn(whole.picture)).toEqual(stage.realms.get('local')?.map(({ id }) => `local/${id} published`));
    let points = 0;
    for (let k = 1; ; k += 1) {
      const ending = await play(scenario, stage, k);
      if (ending.died === null) break;
      points = k;
      expect(ending.picture, `died ${ending.died} (point ${k})`).toEqual(whole.picture);
      expect(ending.nextSteps, `died ${ending.died} (point ${k})`).toBe(whole.nextSteps);
      expect(ending.starts, `died ${ending.died} (point ${k})`).toBeLessThanOrEqual(whole.starts + (scenario.restores ? 2 : 1));
    }
    expect(points).toBeGreaterThan(8);
  });
});
