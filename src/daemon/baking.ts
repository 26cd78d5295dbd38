import { rollBack, watchedAt, type Bake, type Holds } from '../domain/holds.ts';
import type { ApplyResult } from '../domain/generation.ts';
import type { Plan } from '../domain/plan.ts';
import { bakeFor, judgeBake, withOlder } from './bake.ts';
import { short } from './follower.ts';
import type { Decision } from './pace.ts';
import type { DaemonClock, Hands, Release, Telling } from './types.ts';

interface Parts {
  readonly hands: Pick<Hands, 'changeHolds' | 'lastGood' | 'isThere'>;
  readonly clock: DaemonClock;
  readonly tell: (event: Telling) => void;
  /** Names this run of the machine, or of its container; null: it does not tell. */
  readonly boot: string | null;
  /** Called before a cut-over that is watched. */
  readonly onBake: () => void;
}

/**
 * Watches releases after their apply, and goes back once where one does not hold. What is watched is on disk from before its
 * first step on: whoever comes next judges it, also if the one that applied it is dead.
 */
export class Baking {
  readonly #parts: Parts;
  /** When it began to serve, by the clock that does not jump; null: that was in an earlier process. */
  #sinceMs: number | null = null;
  /** What was watched when the newest one began. */
  #before: Bake | null = null;
  /** Copies whose end is not held against the release, until they run again. */
  #excused: ReadonlySet<string> = new Set();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Before the first step. Resolves to whether there is anything to watch. */
  async begin(release: Release, plan: Plan, targets: readonly string[]): Promise<boolean> {
    const { hands, clock } = this.#parts;
    const fresh = bakeFor(release, plan, targets, await hands.lastGood(release.id));
    let bake: Bake | null = null;
    await hands.changeHolds((holds) => {
      this.#before = holds.bake;
      bake = withOlder(fresh, holds.bake, { ...release, wallMs: clock.wallMs() });
      return { ...holds, bake: bake && { ...bake, boot: this.#parts.boot } };
    });
    const { previous } = (bake as Bake | null) ?? { previous: null };
    if (previous !== null) this.#parts.onBake();
    return bake !== null;
  }

  /** After the run: what was published is watched from now on. */
  async served({ steps }: ApplyResult): Promise<void> {
    const { hands } = this.#parts;
    const published = new Set(steps.filter(({ op, status }) => op === 'publish' && status === 'done').map(({ model }) => model));
    await hands.changeHolds((holds) => {
      if (holds.bake === null) return holds;
      const models = Object.entries(holds.bake.models).filter(([model]) => published.has(model));
      const isEmpty = models.length === 0 && (holds.bake.older ?? []).length === 0;
      return { ...holds, bake: isEmpty ? null : { ...holds.bake, models: Object.fromEntries(models) } };
    });
    await this.#begins();
  }

  /** Who watched was told to end: nobody goes back for what is watched, until somebody watches again. */
  async leave(): Promise<void> {
    await this.#parts.hands.changeHolds((holds) => (holds.bake === null ? holds : { ...holds, bake: { ...holds.bake, unwatched: true } }));
  }

  /** Its run did not come to be: what was watched before is watched on. */
  async cancel(): Promise<void> {
    await this.#parts.hands.changeHolds((holds) => ({ ...holds, bake: this.#before }));
  }

  /** True: what is watched did not hold, and the stack is to go back. A disk that takes nothing keeps nobody from being started anew. */
  async judge(plan: Plan, decision: Decision, holds: Holds): Promise<boolean> {
    return this.#judge(plan, decision, holds).catch(() => false);
  }

  async #judge(plan: Plan, decision: Decision, { bake, suspended }: Holds): Promise<boolean> {
    if (bake === null) return false;
    const isElsewhere = bake.unwatched || bake.boot !== this.#parts.boot;
    if (isElsewhere) this.#excused = crashedIn(plan); // it ended with the machine, or after who watched was told to end: that says nothing of it
    if (bake.since === null || isElsewhere) await this.#begins(); // the process that cut over to it did not come to this
    this.#excused = new Set([...crashedIn(plan)].filter((instance) => this.#excused.has(instance)));
    const counts = ({ instance, model }: Plan['drift'][number]) => !this.#excused.has(instance ?? '') && suspended[model] === undefined;
    const held = { ...plan, drift: plan.drift.filter(counts) };
    const times = { servedMs: bake.since === null ? 0 : this.#servedFor(bake.since), wallMs: this.#parts.clock.wallMs() };
    const verdict = judgeBake(bake, held, decision, times);
    if (verdict.kind === 'none') return false;
    const to = verdict.kind === 'bad' ? await this.#wayBack(bake) : null;
    if (verdict.kind === 'good' || to === null) await this.#parts.hands.changeHolds((holds) => ({ ...holds, bake: null }));
    else await this.#goBack(bake, to, verdict.why, plan.baseline?.generation ?? null);
    return to !== null;
  }

  async #begins(): Promise<void> {
    const { hands, clock } = this.#parts;
    const since = new Date(clock.wallMs()).toISOString();
    this.#sinceMs = clock.monotonicMs();
    await hands.changeHolds((holds) =>
      holds.bake === null ? holds : { ...holds, bake: { ...holds.bake, since, unwatched: false, boot: this.#parts.boot } },
    );
  }

  #servedFor(since: string): number {
    const { clock } = this.#parts;
    return this.#sinceMs === null ? clock.wallMs() - Date.parse(since) : clock.monotonicMs() - this.#sinceMs;
  }

  /** As it was found when the watch began, or another one, where that cannot be had any more; null: there is none. */
  async #wayBack(bake: Bake): Promise<number | null> {
    const { hands, clock } = this.#parts;
    const { previous } = watchedAt(bake, clock.wallMs());
    return previous === null || (await hands.isThere(previous)) ? previous : hands.lastGood(bake.release);
  }

  async #goBack(bake: Bake, previous: number, why: string, from: number | null): Promise<void> {
    const { hands, clock, tell } = this.#parts;
    const { release, commit } = bake;
    const { older } = watchedAt(bake, clock.wallMs());
    const mark = { by: 'llmops up', at: new Date(clock.wallMs()).toISOString(), why };
    const pin = { ...mark, generation: previous };
    const bad = [
      ...older.map((one) => ({ release: one.release, commit: one.commit, generation: null })),
      { release, commit, generation: from },
    ];
    await hands.changeHolds((holds) => bad.reduce((all: Holds, one) => rollBack(all, pin, { ...mark, ...one }), holds));
    for (const one of new Map(bad.map((each) => [each.release, each])).values()) {
      const named = one.commit === null ? `Release ${one.release}` : `Commit ${short(one.commit)}`;
      const message = `${named} is not applied again by itself. The next different one is; or: llmops resume`;
      tell({ type: 'revision.quarantined', revision: one.release, commit: one.commit, why, message });
    }
  }
}

function crashedIn({ drift }: Plan): ReadonlySet<string> {
  return new Set(drift.flatMap(({ reason, instance }) => (reason === 'crashed' && instance !== null ? [instance] : [])));
}
