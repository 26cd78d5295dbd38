import type { Task, Telling } from '../../../src/daemon/types.ts';
import { suspendedAt, quarantineOf, WHOLE_STACK, type Holds } from '../../../src/domain/holds.ts';
import type { Ledger } from '../../../src/domain/ledger.ts';
import type { Inventory } from '../../../src/domain/observed.ts';
import type { Plan, Step } from '../../../src/domain/plan.ts';
import { releaseOf } from '../../../src/stack/release.ts';
import { opensIn } from '../../../src/daemon/windows.ts';
import type { Life } from './life.ts';
import type { Seen } from './planning.ts';
import type { World } from './world.ts';

/** A run that waits ends within this when something newer is to be applied, in milliseconds. */
const SUPERSEDED_MS = 2000;
/** More looks than this within ten seconds are no looking after, but a loop that spins. */
const LOOKS = 120;
const FLIPS = 3;
const HOUR_MS = 3_600_000;

interface Running {
  readonly task: Task;
  readonly release: string;
}

/** Watches what one daemon does for what it must never do. */
export class Watcher {
  readonly #world: World;
  readonly #life: Life;
  #looks: number[] = [];
  #holds: Holds | null = null;
  #running: Running | null = null;
  #newest: string | null = null;
  #flips = new Map<string, number[]>();
  #target = '';

  constructor(world: World, life: Life) {
    this.#world = world;
    this.#life = life;
  }

  /** Before each look. What holds the stack by now is to be heeded by what follows from it. */
  looks(target: string): void {
    const { time } = this.#world;
    if (target !== this.#target) this.forgets(); // another wish is tried anew
    this.#target = target;
    this.#world.looks += 1;
    this.#looks = [...this.#looks.filter((at) => at > time.ms - 10_000), time.ms];
    if (this.#looks.length > LOOKS) this.#violate(`it spins: ${this.#looks.length} looks within ten seconds`);
    void this.#world.holds().then((holds) => (this.#holds = holds));
  }

  hears(event: Telling): void {
    const { time } = this.#world;
    if (event.type === 'model.held') this.#world.fought.add(event.model);
    if (event.type !== 'revision.found') return;
    this.#newest = event.revision;
    const running = this.#running;
    if (running === null || running.release === event.revision || this.#isHeld(event.revision)) return;
    time.after(SUPERSEDED_MS, () => {
      if (this.#life.alive && this.#running === running) this.#violate(`a run goes on ${SUPERSEDED_MS} ms after ${event.revision} came`);
    });
  }

  /** A person says to try again. */
  forgets(): void {
    this.#flips = new Map();
  }

  async begins(task: Task, plan: Plan, { observed, stored }: Seen): Promise<void> {
    this.#running = { task, release: releaseOf(task.session) };
    this.#checkHolds(task, plan);
    this.#checkWindows(task, plan, stored.inventory);
    const away = new Set(observed.filter(({ status }) => status === 'unreachable').map(({ name }) => name));
    const unknown = new Set(
      observed.flatMap((one) =>
        one.status === 'reachable' ? one.instances.filter(({ phase }) => phase === 'unknown').map(({ id }) => id) : [],
      ),
    );
    for (const { id, op, backend, instance } of plan.steps) {
      if ((op === 'start' || op === 'stop' || op === 'drain') && (away.has(backend) || unknown.has(instance)))
        this.#violate(`${id} acts on what is away or unknown`);
    }
  }

  ends(): void {
    this.#running = null;
  }

  /** The moment at which a step takes effect. */
  around(plan: Plan | null, step: Step, effect: () => void): void {
    if (!this.#life.alive) this.#violate(`${step.id} by a dead process`);
    if (this.#running === null) this.#violate(`${step.id} outside of a run`);
    const before = this.#world.served();
    this.#world.acts += 1;
    effect();
    this.#checkServed(plan, step, before);
    if (step.op === 'start' && plan !== null) this.#countFlips(plan, step.model);
  }

  /** The ledger of a run, with an eye on where clients are sent. */
  ledger(ledger: Ledger, plan: Plan): Ledger {
    return {
      beginRun: async (lease, header) => {
        const run = await ledger.beginRun(lease, header);
        return {
          ...run,
          withdraw: async (model, instance) => {
            const before = this.#world.served();
            await run.withdraw(model, instance);
            this.#checkServed(plan, { id: `${model}.withdraw` }, before);
          },
          publish: async (model, endpoint) => {
            const before = this.#world.served();
            await run.publish(model, endpoint);
            this.#checkServed(plan, { id: `${model}.publish` }, before);
          },
        };
      },
    };
  }

  #checkServed(plan: Plan | null, step: Pick<Step, 'id'>, before: ReadonlyMap<string, string>): void {
    const after = this.#world.served();
    for (const model of before.keys()) {
      if (after.has(model)) continue;
      const change = plan?.changes.find((one) => one.model === model);
      const isAnnounced = change !== undefined && 'cost' in change && change.cost.downtime !== 'none';
      if (!isAnnounced) this.#violate(`${step.id} takes ${model} from its clients, and the plan said ${change?.action ?? 'nothing'} of it`);
    }
  }

  #checkHolds({ trigger, session }: Task, plan: Plan): void {
    const holds = this.#holds;
    if (holds === null) return;
    const suspended = suspendedAt(holds, this.#world.time.wallMs);
    const release = releaseOf(session);
    if (suspended.has(WHOLE_STACK)) this.#violate('it acts although it is suspended');
    for (const model of new Set(plan.steps.map((step) => step.model)))
      if (suspended.has(model)) this.#violate(`it acts on ${model}, which is suspended (${trigger})`);
    if (trigger === 'rollback' || trigger === 'crash') return;
    if (quarantineOf(holds, release) !== null) this.#violate(`it applies ${release}, which is quarantined (${trigger})`);
    if (release !== this.#newest) this.#violate(`it applies ${release}, and ${this.#newest} is the newest`);
  }

  #checkWindows({ trigger, session }: Task, plan: Plan, { models }: Inventory): void {
    const policy = session.desired.policy;
    if (policy === undefined || trigger === 'rollback') return;
    const asked = plan.changes.filter(({ action, correctsDrift, wish, model }) => {
      const isAsIs = wish !== null && wish.specHash === models[model]?.specHash; // it ended, and is started anew
      return action !== 'keep' && action !== 'blocked' && !correctsDrift && !isAsIs;
    });
    if (asked.length === 0 || this.#holds === null || this.#holds.approved.length > 0) return;
    const { wallMs } = this.#world.time;
    const isOpen = [0, 3000].some((ago) => opensIn(policy.windows, wallMs - ago) === 0);
    const what = asked.map(({ action, model }) => `${action} ${model}`).join(', ');
    if (!isOpen) this.#violate(`outside of every window: ${what} (${trigger})`);
    if (policy.approve === 'all') this.#violate(`nobody approved: ${what} (${trigger})`);
  }

  #countFlips(plan: Plan, started: string): void {
    const { ms } = this.#world.time;
    for (const { model, reason, field, policy } of plan.drift) {
      if (policy !== 'correct' || reason !== 'runtime-reset' || model !== started) continue;
      const key = `${model} ${field}`;
      const flips = [...(this.#flips.get(key) ?? []).filter((at) => at > ms - HOUR_MS), ms];
      this.#flips.set(key, flips);
      if (flips.length > FLIPS) this.#violate(`${key} is put right for the ${flips.length}th time`);
    }
  }

  #isHeld(release: string): boolean {
    const holds = this.#holds;
    return holds !== null && (suspendedAt(holds, this.#world.time.wallMs).has(WHOLE_STACK) || quarantineOf(holds, release) !== null);
  }

  #violate(what: string): void {
    if (this.#life.alive) this.#world.violate(what);
  }
}
