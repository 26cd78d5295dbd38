import type { ObservedBackend } from '../../../src/domain/observed.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import { makePlan } from '../../../src/plan/index.ts';
import type { Session } from '../../../src/stack/session.ts';
import type { StoredState } from '../../../src/state/index.ts';
import { artifactsOf, sha256 } from '../../world/stack.ts';

/** What was seen in one look. `version`: the same for what is the same. */
export interface Seen {
  readonly observed: readonly ObservedBackend[];
  readonly stored: StoredState;
  readonly version: string;
}

export interface Flags {
  readonly targets?: readonly string[];
  readonly allowDestroy: boolean;
}

/** The real planner, which is pure: what it was asked before is not asked again. */
export class Planning {
  readonly #known = new WeakMap<Session, Map<string, { readonly version: string; readonly plan: Plan }>>();

  plan(session: Session, { observed, stored, version }: Seen, { targets = [], allowDestroy }: Flags): Plan {
    const plans = this.#known.get(session) ?? new Map<string, { readonly version: string; readonly plan: Plan }>();
    this.#known.set(session, plans);
    const key = `${allowDestroy} ${targets.join(' ')}`;
    const known = plans.get(key);
    if (known?.version === version) return known.plan;
    const { desired, backends: traits } = session;
    const { inventory, problems } = stored;
    const artifacts = artifactsOf(desired);
    const how = { mode: 'apply', replace: [], holdFailed: true, hash: sha256 } as const;
    const plan = makePlan({ desired, artifacts, problems, traits, observed, inventory, targets, allowDestroy, ...how });
    plans.set(key, { version, plan });
    return plan;
  }
}
