import { canonicalJson, type Hash } from '../domain/canonical.ts';
import type { DaemonSpec, NotifySpec } from '../domain/daemon.ts';
import type { Desired, Json } from '../domain/desired.ts';
import type { Holds, Mandate } from '../domain/holds.ts';
import type { Change } from '../domain/plan.ts';
import { NO_POLICY, stricterOf, type Judging } from '../domain/policy.ts';
import { errorsIn } from '../domain/problem.ts';
import { sessionOfGeneration } from '../stack/last-session.ts';
import { stackPaths } from '../stack/paths.ts';
import type { Session } from '../stack/session.ts';
import type { StackPlace, Surroundings } from '../stack/surroundings.ts';
import { listGenerations } from '../state/index.ts';
import { passage } from './gate.ts';
import type { Target } from './target.ts';
import type { Hands, Looked, Release } from './types.ts';
import { opensIn } from './windows.ts';

interface Parts {
  /** Of the release that was let through last; null: none was yet. */
  readonly known: Mandate | null;
  /** True: that is on disk. */
  readonly isKept: boolean;
  /** `daemon:` as it read when this began; null: it was not there. */
  readonly declared: DaemonSpec | null;
  readonly standing: () => { readonly release: Release | null; readonly target: Target; readonly holds: Holds };
  /** Writes down what counts from now on, for the next process. */
  readonly keep: (mandate: Mandate) => Promise<unknown>;
  readonly wallMs: () => number;
  readonly hash: Hash;
}

/**
 * Whose word counts. Who may push must not be the one who says that a push needs no approval, nor name a command that runs
 * unapproved because it yields an address: so `policy` and `daemon.notify` are those of the release that was let through last,
 * and a newer one is judged by both.
 */
export class Charge {
  readonly #parts: Parts;
  #known: Mandate | null;
  #isKept: boolean;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#known = parts.known;
    this.#isKept = parts.isKept;
  }

  /** Who hears of what is done. Where nothing was ever applied: as the first release says, and before it is read, as the file did. */
  get hooks(): readonly NotifySpec[] {
    const { release } = this.#parts.standing();
    if (this.#known !== null) return this.#known.notify;
    return release === null ? (this.#parts.declared?.notify ?? []) : mandateOf(release.session.desired).notify;
  }

  /** What judges the newest release. */
  get policy(): Judging {
    const { release } = this.#parts.standing();
    if (release === null) return this.#known?.policy ?? NO_POLICY;
    const own = mandateOf(release.session.desired);
    if (this.#known === null) return own.policy;
    const { policy } = this.#known;
    const both = stricterOf(policy, own.policy, (windows) => opensIn(windows, this.#parts.wallMs()));
    // Where a person approves everything, this too; elsewhere it is no change of a model, and waits for nobody.
    return policy.approve === 'all' ? { ...both, besides: editedIn(this.#known, own) } : both;
  }

  /** After a look at a stack: what passes, or was gone back to, counts from now on. */
  async looked(session: Session, { plan, known }: Looked, back: Session | null): Promise<void> {
    const { release, target, holds } = this.#parts.standing();
    if (session === back) return this.#take(session);
    if (target.kind !== 'release' || release?.session !== session) return;
    const { wallMs, hash } = this.#parts;
    // All of it, also what waits for something else than the gate: what is left for later is not let through yet.
    const all = plan.changes.map(({ model }) => model);
    const { parked, approved } = passage(plan, all, { policy: this.policy, holds, target, wallMs: wallMs(), hash });
    const isOpen = this.#known !== null && plan.changes.some((change) => isStillAhead(change, known.applied));
    if (parked === null && !isOpen && (approved.size > 0 || errorsIn(plan.problems).length === 0)) await this.#take(session);
  }

  async #take({ desired }: Session): Promise<void> {
    const mandate = mandateOf(desired);
    if (this.#known !== null && editedIn(this.#known, mandate).length === 0 && this.#isKept) return;
    this.#known = mandate;
    // A disk that takes nothing: it counts all the same, and is written with the next look.
    this.#isKept = await this.#parts.keep(mandate).then(
      () => true,
      () => false,
    );
  }
}

/** What cannot be judged now, because its engine does not answer say, is judged when it can be, and by whoever has the word now. */
function isStillAhead({ action, model, wish }: Change, applied: ReadonlyMap<string, string>): boolean {
  return action === 'blocked' && applied.has(model) && applied.get(model) !== wish?.specHash;
}

/** Hands that tell what was looked at to who is in charge. */
export function chargedHands(hands: Hands, charge: Charge): Hands {
  let back: Session | null = null;
  return {
    ...hands,
    generation: async (number) => (back = await hands.generation(number)),
    look: async (session, options) => {
      const looked = await hands.look(session, options);
      await charge.looked(session, looked, back);
      return looked;
    },
  };
}

/** Of what was applied last by whomever, for a stack that no daemon has kept yet; null: nothing was, or it is not understood. */
export async function lastMandate(of: {
  readonly context: Surroundings;
  readonly place: StackPlace;
  readonly stateDir: string;
}): Promise<Mandate | null> {
  const { context, place, stateDir } = of;
  const paths = stackPaths(context, place);
  for (const generation of await listGenerations(stateDir)) {
    const session = await sessionOfGeneration(generation, { paths, stateDir, context });
    if (session) return mandateOf(session.desired);
  }
  return null;
}

function mandateOf({ policy, daemon }: Desired): Mandate {
  return { policy: policy ?? NO_POLICY, notify: daemon?.notify ?? [] };
}

/** Keys in which the two differ. */
function editedIn(before: Mandate, after: Mandate): readonly string[] {
  const isSame = (key: keyof Mandate) => canonicalJson(before[key] as unknown as Json) === canonicalJson(after[key] as unknown as Json);
  return [...(isSame('policy') ? [] : ['policy']), ...(isSame('notify') ? [] : ['daemon.notify'])];
}
