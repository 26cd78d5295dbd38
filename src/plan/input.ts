import type { Backend } from '../domain/backend.ts';
import type { Hash } from '../domain/canonical.ts';
import type { Artifact, Desired } from '../domain/desired.ts';
import type { Inventory, ObservedBackend } from '../domain/observed.ts';
import type { Plan } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { SecretSight } from '../domain/secret.ts';
import type { Room } from '../domain/weights.ts';

/** What the planner knows of a kind of engine: data and pure functions, never a way to reach it. */
export type BackendTraits = Pick<Backend, 'type' | 'prices' | 'fields' | 'check' | 'mustSwap' | 'pulls' | 'compare' | 'footprint'>;

/** Everything a plan follows from. The same input gives the same plan, byte for byte. */
export interface PlanInput {
  readonly desired: Desired;
  /** By model name. A model without one could not be resolved; `problems` says why. */
  readonly artifacts: Readonly<Record<string, Artifact>>;
  /** Found while resolving artifacts. They become the plan's, except those of models that are not considered. */
  readonly problems: readonly Problem[];
  /** By backend type. */
  readonly traits: Readonly<Record<string, BackendTraits>>;
  /** May hold backends that are no longer declared: what runs there is then seen, and taken down. */
  readonly observed: readonly ObservedBackend[];
  readonly inventory: Inventory;
  /** What was told of the secrets that models name, by model. Absent: they were not looked at. */
  readonly secrets?: Readonly<Record<string, readonly SecretSight[]>>;
  /** Of the disk that weights are fetched to. Absent: it was not looked at. */
  readonly room?: Room;
  readonly mode: Plan['mode'];
  /** Only these models are considered; empty: all. */
  readonly targets: readonly string[];
  /** Models that are started anew even if nothing changed. */
  readonly replace: readonly string[];
  /** True: what somebody else runs just as a model is declared becomes ours. Absent: it is shown, and left to them. */
  readonly adopt?: boolean;
  /** Lifts the guards against deleting much, and against deleting what another file declared; `protect` stands in any case. */
  readonly allowDestroy: boolean;
  /** True: nobody is there to judge it, so a change whose last start failed is left alone. Absent: it is tried again. */
  readonly holdFailed?: boolean;
  readonly hash: Hash;
}
