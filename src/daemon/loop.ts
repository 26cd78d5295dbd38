import { NO_HOLDS, suspendedAt, useUp, type Holds } from '../domain/holds.ts';
import type { ApplyResult } from '../domain/generation.ts';
import { errorsIn, problemOf } from '../domain/problem.ts';
import { Superseded } from '../domain/superseded.ts';
import type { Session } from '../stack/session.ts';
import { Baking } from './baking.ts';
import { Findings } from './findings.ts';
import { Follower } from './follower.ts';
import { passage } from './gate.ts';
import { HoldsView } from './holds-view.ts';
import { NOTHING, type Begun, type Course, type LoopParts, type Standing } from './loop-parts.ts';
import { Pace, type Decision, type Now } from './pace.ts';
import { Pulse } from './pulse.ts';
import { approvedFor, keyOf, targetOf, type Target } from './target.ts';
import { tellRan, tellStarts, tellSuspension, tellWayBack } from './telling.ts';
import type { Looked, Task } from './types.ts';
import { Wake } from './wake.ts';

/** After a round that failed as a whole, in milliseconds. */
const FAILED_MS = 5000;
/** A source that answers does so in this time, in milliseconds; so it is followed from the first round on. */
const FIRST_LOOK_MS = 3000;
/** Why a run gives way: a model that it is not about has ended. */
const CRASH = new Superseded('a crash');
const NONE: ReadonlyMap<string, string> = new Map();
const IN_FORCE: Target = { kind: 'in-force', quarantine: null };

/**
 * The loop of one stack. Level-triggered: something may have changed, or time passed, and then it looks at all of it and does
 * what is to be done, never what an event says. One run at a time; a newer target supersedes it.
 */
export class Loop {
  readonly follower: Follower;
  readonly #parts: LoopParts;
  readonly #wake: Wake;
  readonly #pulse: Pulse;
  readonly #baking: Baking;
  readonly #holds: HoldsView;
  readonly #pace = new Pace();
  readonly #heal = new Pace();
  readonly #findings: Findings;
  #run: { readonly key: string; readonly stop: AbortController } | null = null;
  #standing: Standing;
  #key = '';
  #generation: { readonly number: number; readonly session: Session } | null = null;
  /** A person said to look: what failed at its start is tried once more. */
  #isAsked = false;
  /** As it was told last. */
  #suspended: Pick<Holds, 'suspended' | 'resumed' | 'pin' | 'approved'> = NO_HOLDS;

  constructor(parts: LoopParts, holds: Holds) {
    this.#parts = parts;
    this.#wake = new Wake(parts.clock);
    this.#pulse = new Pulse(parts, this.#wake);
    this.#findings = new Findings({ ...parts, stand: (found) => this.#stand(found) });
    this.#baking = new Baking(parts);
    this.#holds = new HoldsView(parts.hands, parts.clock, holds);
    const { source, hands, tell, clock } = parts;
    this.follower = new Follower({ source, hands, tell, clock, onNews: () => void this.reconsider() });
    this.#standing = { ...NOTHING, target: targetOf(null, holds), phase: 'looking', holds, roundMs: null };
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Looks at the source and at everything else now, and tries again what it had given up on. */
  async nudge(signal: AbortSignal): Promise<void> {
    for (const pace of [this.#pace, this.#heal]) pace.hurry();
    this.#isAsked = true;
    await this.reconsider(); // first: a source that does not answer must not delay a way back
    await this.follower.look(signal);
    this.#wake.poke();
  }

  /** The target may be another one by now: what works towards an older one is superseded. */
  async reconsider(): Promise<void> {
    await this.#supersede();
    this.#wake.poke();
  }

  async #supersede(): Promise<void> {
    const holds = await this.#holds.read();
    const target = this.#targetIn(holds);
    const key = this.#holds.isSuspended(holds) ? 'a suspension' : keyOf(target);
    this.#stand({ target, holds, ...(key !== this.#key && this.#run === null && { phase: 'looking' }) });
    if (this.#run !== null && this.#run.key !== key) this.#run.stop.abort(new Superseded(key));
  }

  /** Goes on until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    // A source that does not answer keeps nobody from being looked after.
    await Promise.race([this.follower.look(signal), this.#parts.clock.sleep(FIRST_LOOK_MS, signal)]);
    while (!signal.aborted) {
      this.#wake.clear();
      const begun = this.#now().ms;
      const wait = await this.round(signal).catch((error: unknown) => this.#failed(error, signal));
      this.#stand({ roundMs: Math.round(this.#now().ms - begun) });
      await this.#pulse.rest(wait, signal);
    }
    await this.#baking.leave().catch(() => undefined);
  }

  /** One look at everything, and what is to be done. Resolves to how long to wait for the next, in milliseconds. */
  async round(signal: AbortSignal): Promise<number> {
    this.#findings.begin(this.#parts.probeMs());
    const holds = await this.#holds.read();
    const [target, isSuspended] = [this.#targetIn(holds), this.#holds.isSuspended(holds)];
    this.#stand({ target, holds, phase: isSuspended ? 'suspended' : 'looking', ...(isSuspended && NOTHING) });
    for (const telling of tellSuspension(this.#suspended, holds)) this.#parts.tell(telling);
    this.#suspended = holds;
    if (isSuspended) return this.#watch(signal);
    if (this.#holds.damage) this.#findings.refuse(this.#key, [this.#holds.damage]);
    await this.#onTarget(target, holds).catch((error: unknown) => this.#findings.refuse(this.#key, [problemOf(error)]));
    const left = await this.#towards(target, signal);
    if (left === null || left.size > 0) await this.#keep(left, signal);
    // Of a target that came in the middle of it, this round says nothing.
    this.#stand({ ...this.#findings.found, phase: keyOf(this.#standing.target) === this.#key ? 'idle' : 'looking' });
    return this.#findings.nextMs;
  }

  /** Nothing is done to a stack that is suspended; what ends in it meanwhile is told. */
  async #watch(signal: AbortSignal): Promise<number> {
    const { hands } = this.#parts;
    const session = await hands.inForce().catch(() => null);
    const looked = session && (await hands.look(session, { allowDestroy: true, holdFailed: true, signal }).catch(() => null));
    if (looked) this.#findings.tell(this.#heal.watch(looked.plan, this.#now(), looked.known), null);
    this.#pulse.saw(looked?.processes ?? []);
    return this.#findings.nextMs;
  }

  #targetIn(holds: Holds): Target {
    return this.#holds.targetOf(holds, this.follower.release?.id ?? null);
  }

  /** Another target is a new wish: what was given up on is tried. */
  async #onTarget(target: Target, { pin, approved }: Holds): Promise<void> {
    const key = keyOf(target);
    if (key === this.#key) return;
    const isFirst = this.#key === ''; // what was held before this process began was told by whoever did it
    this.#pace.forget();
    this.#stand(NOTHING);
    this.#key = key;
    // What was let through is of the release that waited then; were it to come back, somebody is asked again.
    if (approved.length > 0) await this.#parts.hands.changeHolds((holds) => approvedFor(target, holds));
    if (pin === null) return;
    if (target.kind === 'generation' && !isFirst) this.#parts.tell(tellWayBack(pin));
    // Another release has come: were this one away some day, the stack must not go back for it.
    if (target.kind === 'release') await this.#parts.hands.changeHolds((holds) => ({ ...holds, pin: null }));
  }

  /** As {@link #drive}. What goes wrong on the way keeps nobody from being looked after. */
  async #towards(target: Target, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
    try {
      const session = await this.#sessionOf(target);
      return session && (await this.#drive(session, target, signal));
    } catch (error) {
      if (signal.aborted) throw error;
      this.#findings.refuse(this.#key, [problemOf(error)]);
      this.#findings.soon(FAILED_MS);
      return null;
    }
  }

  /** null: there is nothing to bring it to but what is in force. */
  async #sessionOf(target: Target): Promise<Session | null> {
    if (target.kind === 'release') return this.follower.release?.session ?? null;
    if (target.kind === 'in-force') return null;
    const { number } = target;
    if (this.#generation?.number !== number) this.#generation = { number, session: await this.#parts.hands.generation(number) };
    return this.#generation.session;
  }

  /** Brings the stack to its target. Resolves to the models that it cannot bring there now; null: all of them. */
  async #drive(session: Session, target: Target, signal: AbortSignal): Promise<ReadonlySet<string> | null> {
    const { hands, clock, policy, hash } = this.#parts;
    const { holds } = this.#standing;
    const isBack = target.kind === 'generation';
    const holdFailed = !this.#isAsked;
    const looked = await hands.look(session, { allowDestroy: isBack, holdFailed, signal });
    this.#isAsked = false;
    const decision = await this.#decide(this.#pace, looked, null);
    if (decision === null) return new Set();
    if (looked.holder !== undefined && decision.left.size > 0) this.#findings.busy(looked.holder);
    const passes = passage(looked.plan, decision.due, { policy: policy(), holds, target, wallMs: clock.wallMs(), hash });
    // What has just ended is mended first: what is left to ask for is seen after that.
    const isMending = [...passes.held].some((model) => decision.restarts.includes(model));
    if (passes.parked && !isMending) this.#findings.park(passes.parked, passes.held);
    const errors = errorsIn(looked.plan.problems);
    if (errors.length > 0 && passes.approved.size === 0) {
      if (!passes.parked) this.#findings.refuse(looked.plan.revision, errors);
      return null;
    }
    const due = decision.due.filter((model) => !passes.held.has(model));
    const targets = decision.whole && passes.held.size === 0 ? [] : due;
    const wanted = isBack ? 'rollback' : decision.trigger;
    const because = due.every((model) => decision.restarts.includes(model)) ? 'crash' : wanted; // what waits tells nothing of this run
    const trigger = isBack ? 'rollback' : because;
    const { approved } = passes;
    const task = { session, targets, trigger, allowDestroy: isBack || approved.size > 0, holdFailed };
    // Nothing is to be done but to close what a run left open that was cut off.
    const isCutOff = decision.whole && looked.plan.steps.length === 0 && looked.plan.interrupted.length > 0;
    if (due.length > 0 || isCutOff) await this.#act(due, task, { target, session, pace: this.#pace, looked, signal, approved, because });
    return new Set([...decision.left, ...passes.held, ...decision.asleep]);
  }

  /** Looks after what is not brought elsewhere: as it was applied. `only` null: all of it. */
  async #keep(only: ReadonlySet<string> | null, signal: AbortSignal): Promise<void> {
    const { hands } = this.#parts;
    const session = await hands.inForce();
    if (session === null) return;
    const looked = await hands.look(session, { allowDestroy: true, holdFailed: true, signal });
    const decision = await this.#decide(this.#heal, looked, only);
    if (decision === null) return;
    const due = decision.restarts.filter((model) => only === null || only.has(model));
    const task: Task = { session, targets: due, trigger: 'crash', allowDestroy: true, holdFailed: true };
    if (due.length > 0)
      await this.#act(due, task, { target: IN_FORCE, session, pace: this.#heal, looked, signal, approved: NONE, because: 'crash' });
  }

  /** `only`: models of which something counts; null: all. null: what was watched did not hold, and the stack goes back. */
  async #decide(pace: Pace, { plan, known, processes }: Looked, only: ReadonlySet<string> | null): Promise<Decision | null> {
    const { holds } = this.#standing;
    const suspended = new Set(suspendedAt(holds, this.#parts.clock.wallMs()).keys());
    const decision = pace.look(plan, this.#now(), known, suspended);
    this.#pulse.saw(processes);
    this.#findings.decided(decision, only);
    if (known.busy) this.#findings.maybeBusy();
    const isBad = this.#holds.damage === null && (await this.#baking.judge(plan, decision, holds));
    const takenBack = new Set(isBad ? Object.keys(holds.bake?.models ?? {}) : []);
    this.#findings[pace === this.#heal ? 'tellKept' : 'tell'](decision.events, only, takenBack);
    if (isBad) this.#findings.soon(0);
    return isBad ? null : decision;
  }

  async #act(due: readonly string[], task: Task, course: Course): Promise<void> {
    const begun = await this.#perform(due, task, course);
    if (begun === null) return this.#findings.soon(0);
    const { release, isBaked, acted } = begun;
    if (isBaked && acted.kind !== 'ran') await this.#baking.cancel();
    if (acted.kind === 'busy') return this.#findings.busy(acted.holder);
    if (acted.kind === 'stopped') return this.#findings.soon(0);
    const { pace, looked, target, approved } = course;
    this.#findings.notBusy();
    const done = acted.kind === 'ran' ? acted.plan : looked.plan;
    pace.acted([...new Set([...due, ...done.steps.map(({ model }) => model)])], done, this.#now(), begun.isPreempted);
    this.#findings.soon(0); // what came of it is looked at right away
    if (acted.kind === 'nothing' || acted.result.steps.length === 0) return;
    await this.#useUp(approved, acted.result);
    const name = release?.id ?? keyOf(target);
    const left = acted.kind === 'ran' ? acted.left : [];
    this.#parts.tell(tellRan(acted.result, task.trigger, { name, commit: task.session.commit ?? null, left }));
    if (isBaked) await this.#baking.served(acted.result).catch(() => undefined); // it is judged all the same
  }

  async #useUp(approved: Course['approved'], { steps }: ApplyResult): Promise<void> {
    const open = new Set(steps.filter(({ status }) => status !== 'done').map(({ model }) => model));
    const through = [...approved].filter(([model]) => !open.has(model)).map(([, change]) => change);
    if (through.length > 0) await this.#parts.hands.changeHolds((holds) => useUp(holds, through)).catch(() => undefined); // a full disk is told elsewhere
  }

  /**
   * Whatever it looks after, it gives way when the stack is to be brought elsewhere than when it began. null: that came while it
   * looked, and nothing was begun.
   */
  async #perform(due: readonly string[], task: Task, { target, looked, signal, because }: Course): Promise<Begun | null> {
    const [stop, ended] = [new AbortController(), new AbortController()];
    this.#run = { key: this.#key, stop };
    // A model that ends meanwhile need not wait until another one answers: the next run goes on with that, and starts it anew.
    void this.#pulse.alarm(new Set(due), ended.signal).then((isGone) => isGone && stop.abort(CRASH));
    try {
      await this.#supersede();
      if (stop.signal.aborted) return null;
      const release = target.kind === 'release' ? this.follower.release : null;
      const isBaked = release !== null && task.trigger === 'release' && (await this.#baking.begin(release, looked.plan, task.targets));
      this.#parts.tell(tellStarts(due, { ...task, trigger: because }, release?.id ?? keyOf(target)));
      this.#stand({ ...this.#findings.found, phase: 'applying' });
      const acted = await this.#parts.hands.act(task, AbortSignal.any([signal, stop.signal]));
      return { release, isBaked, acted, isPreempted: stop.signal.reason === CRASH };
    } finally {
      ended.abort();
      this.#run = null;
    }
  }

  #failed(error: unknown, signal: AbortSignal): number {
    if (signal.aborted) return 0;
    this.#findings.refuse(this.#key, [problemOf(error)]);
    this.#stand({ ...this.#findings.found, phase: 'idle' });
    return FAILED_MS;
  }

  #now(): Now {
    return { ms: this.#parts.clock.monotonicMs(), iso: new Date(this.#parts.clock.wallMs()).toISOString() };
  }

  #stand(news: Partial<Standing>): void {
    this.#standing = { ...this.#standing, ...news };
  }
}
