import { applyPlan, type ApplyResult } from '../../../src/apply/index.ts';
import { Loop } from '../../../src/daemon/loop.ts';
import { keyOf } from '../../../src/daemon/target.ts';
import type { Acted, Hands, Looked, Task, Telling } from '../../../src/daemon/types.ts';
import type { Driver } from '../../../src/domain/backend.ts';
import { canApply, type Plan, type Step } from '../../../src/domain/plan.ts';
import { NO_POLICY } from '../../../src/domain/policy.ts';
import { errorsIn } from '../../../src/domain/problem.ts';
import { copiesByModel } from '../../../src/domain/copies.ts';
import { lookedAfter } from '../../../src/stack/looked-after.ts';
import { leftBy } from '../../../src/stack/left-out.ts';
import { releaseOf } from '../../../src/stack/release.ts';
import type { Session } from '../../../src/stack/session.ts';
import type { Lease } from '../../../src/domain/ledger.ts';
import { openState, readGeneration, readHolds, type Disk, type StoredState } from '../../../src/state/index.ts';
import { sha256 } from '../../world/stack.ts';
import { driverOf } from './driver.ts';
import { diskOf, Life } from './life.ts';
import type { Seen } from './planning.ts';
import { DIR } from './stacks.ts';
import { changeHoldsOn, InForce, lastGoodOn } from './state.ts';
import { Watcher } from './watcher.ts';
import type { World } from './world.ts';

const PROBE_MS = 30_000;
const POLL_MS = 20_000;
const WHO = 'llmops up';

/** One process of `llmops up` on a world: the real loop, planner, executor and state. */
export class Daemon {
  readonly life: Life;
  readonly loop: Promise<Loop>;
  readonly watcher: Watcher;
  readonly #world: World;
  readonly #disk: Disk;
  readonly #inForce: InForce;
  readonly #stop = new AbortController();
  readonly #drivers: Readonly<Record<string, Driver>>;
  #plan: Plan | null = null;
  #target: () => string = () => '';

  constructor(world: World, died: () => void) {
    this.#world = world;
    this.life = new Life(died);
    this.#disk = diskOf(world.disk, this.life, () => (world.diskVersion += 1));
    this.#inForce = new InForce(world.sessions, world.planning);
    this.watcher = new Watcher(world, this.life);
    const around = (step: Step, effect: () => void) => this.watcher.around(this.#plan, step, effect);
    const { time, random } = world;
    this.#drivers = Object.fromEntries(
      [...world.engines].map(([name, engine]) => [name, driverOf({ engine, life: this.life, time, random, around })]),
    );
    this.loop = this.#begin();
  }

  /** It looks at its source, if it lives. */
  async look(): Promise<void> {
    const loop = await this.loop;
    if (this.life.alive) await loop.follower.look(this.#stop.signal);
  }

  /** A person changed something and says so. */
  async nudge(): Promise<void> {
    const loop = await this.loop;
    if (!this.life.alive) return;
    this.watcher.forgets();
    await loop.nudge(this.#stop.signal);
  }

  async #begin(): Promise<Loop> {
    const { time, engines } = this.#world;
    const { holds } = await this.life.look(() => readHolds(DIR, this.#disk));
    const loop: Loop = new Loop(
      {
        source: this.#world.repository.source(),
        hands: this.#hands(),
        clock: {
          wallMs: () => time.wallMs,
          monotonicMs: () => time.ms,
          sleep: (ms, signal) => this.life.look(() => time.sleep(ms, signal)),
        },
        tell: (event) => this.#tell(event),
        probeMs: () => PROBE_MS,
        onBake: () => undefined,
        boot: 'sim',
        policy: () => loop.follower.release?.session.desired.policy ?? NO_POLICY,
        isGone: (pid) =>
          ![...engines.values()].some(({ copies }) => [...copies.values()].some((one) => one.serial === pid && one.phase !== 'failed')),
        hash: sha256,
      },
      holds,
    );
    this.#target = () => keyOf(loop.standing.target);
    void loop.run(this.#stop.signal);
    this.#poll();
    return loop;
  }

  #poll(): void {
    this.#world.time.after(POLL_MS, () => {
      if (!this.life.alive) return;
      void this.look();
      this.#poll();
    });
  }

  #tell(event: Telling): void {
    if (this.life.alive) this.watcher.hears(event);
  }

  #hands(): Hands {
    const { sessions } = this.#world;
    return {
      open: async ({ text, commit, about }) => {
        const session = sessions.of(Buffer.from(text).toString());
        return { id: releaseOf(session), session, commit, about, files: [] };
      },
      generation: async (number) => {
        const generation = await readGeneration(DIR, number, this.#disk);
        if (generation === null) throw new Error(`no generation ${number}`);
        return sessions.of(generation.source.text);
      },
      inForce: async () => this.#inForce.session(this.#disk, await this.#stored()),
      look: (session, { allowDestroy, signal }) => this.#look(session, allowDestroy, signal),
      act: (task, signal) => this.#act(task, signal),
      lastGood: (release) => lastGoodOn(this.#disk, release),
      isThere: async (number) => (await readGeneration(DIR, number, this.#disk)) !== null,
      readHolds: async () => (await readHolds(DIR, this.#disk)).holds,
      changeHolds: (change) => changeHoldsOn(this.#disk, change),
    };
  }

  async #look(session: Session, allowDestroy: boolean, signal: AbortSignal): Promise<Looked> {
    const { desk, planning } = this.#world;
    this.watcher.looks(this.#target());
    const wasBusy = desk.holder !== null;
    const seen = await this.#survey(signal);
    const plan = planning.plan(session, seen, { allowDestroy });
    const { observed, stored } = seen;
    const copies = [...copiesByModel(observed, stored.inventory.endpoints).values()].flat();
    const processes = copies.flatMap(({ model, phase, process }) =>
      phase === 'failed' || process === null ? [] : [{ pid: process.pid, model: model ?? '' }],
    );
    const known = { ...lookedAfter({ observed, inventory: stored.inventory }), busy: wasBusy || desk.holder !== null };
    return { plan, known, processes };
  }

  async #survey(signal: AbortSignal): Promise<Seen> {
    const { engines } = this.#world;
    const stored = await this.#stored();
    const versions: number[] = [this.#world.diskVersion];
    const observed = await Promise.all(
      [...engines.values()].map(async (engine, at) => {
        const seen = await (this.#drivers[engine.name] as Driver).observe(signal);
        versions[at + 1] = engine.version;
        return seen;
      }),
    );
    return { observed, stored, version: versions.join(' ') };
  }

  #stored(): Promise<StoredState> {
    return this.life.look(() => this.#world.stored());
  }

  async #act(task: Task, signal: AbortSignal): Promise<Acted> {
    const lease = this.#world.desk.take(WHO, this.life);
    if (lease === null) return { kind: 'busy', holder: this.#world.desk.holder ?? '' };
    try {
      return await this.#underLease(task, signal, lease);
    } finally {
      if (this.life.alive) lease.release();
    }
  }

  async #underLease(task: Task, signal: AbortSignal, lease: Lease): Promise<Acted> {
    const { session, targets, allowDestroy, trigger } = task;
    const seen = await this.#survey(signal);
    const plan = this.#world.planning.plan(session, seen, { targets, allowDestroy });
    const isWorth = canApply(plan) || (plan.interrupted.length > 0 && errorsIn(plan.problems).length === 0);
    if (signal.aborted || !isWorth) return { kind: 'nothing', plan };
    await this.watcher.begins(task, plan, seen);
    this.#plan = plan;
    const whole = plan.targets.length === 0 ? plan : this.#world.planning.plan(session, seen, { allowDestroy: true });
    const left = leftBy(plan, whole, session);
    const result = await this.#apply(plan, { session, trigger, left }, signal, lease).finally(() => this.watcher.ends());
    return { kind: 'ran', plan, result, left };
  }

  async #apply(
    plan: Plan,
    { session, trigger, left }: Pick<Task, 'session' | 'trigger'> & { readonly left: readonly string[] },
    signal: AbortSignal,
    lease: Lease,
  ): Promise<ApplyResult> {
    const { time } = this.#world;
    return applyPlan(plan, {
      drivers: this.#drivers,
      state: this.watcher.ledger(await openState(DIR, this.#disk), plan),
      lease,
      fetch: () => Promise.resolve(),
      emit: () => undefined,
      signal,
      parallelism: 4,
      patienceMs: 0,
      clock: { now: () => time.iso(), monotonicMs: () => time.ms },
      who: 'tester@sim',
      command: WHO,
      trigger,
      left,
      source: { file: session.paths.file, text: session.text, commit: session.commit ?? null, lock: null },
    });
  }
}
