import { copiesByModel, engineLabel, foreignAmong } from '../domain/copies.ts';
import type { BackendSpec } from '../domain/desired.ts';
import type { ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import type { Foreign, PlannedBackend } from '../domain/plan.ts';
import type { Problem } from '../domain/problem.ts';
import type { PlanInput } from './input.ts';

/** The observation, arranged so that every later look-up is one step. */
export interface World {
  readonly backends: ReadonlyMap<string, ObservedBackend>;
  readonly specs: ReadonlyMap<string, BackendSpec>;
  /** Copies of ours per model, on whatever backend they run; the one that counts most first. */
  readonly ours: ReadonlyMap<string, readonly ObservedInstance[]>;
  readonly foreign: readonly Foreign[];
}

/** The input, indexed once. */
export interface Grounds {
  readonly input: PlanInput;
  readonly world: World;
  /** Models that `--replace` names. */
  readonly replace: ReadonlySet<string>;
  /** Models that a run was working on when it was cut off. */
  readonly pending: ReadonlySet<string>;
  /** Problems of resolving weights, by model; of no model: under the empty name. */
  readonly found: ReadonlyMap<string, readonly Problem[]>;
}

/** Indexes what was observed. A backend that is seen but no longer declared gets a bare spec, so that it can be connected to. */
export function arrangeWorld(input: PlanInput): World {
  const backends = new Map(input.observed.map((backend) => [backend.name, backend]));
  const specs = new Map(input.desired.backends.map((spec) => [spec.name, spec]));
  for (const { name, type } of input.observed) {
    if (!specs.has(name)) specs.set(name, { name, type, reserve: { vramBytes: 0, ramBytes: 0 }, options: {} });
  }
  const ours = copiesByModel(input.observed, input.inventory.endpoints);
  return { backends, specs, ours, foreign: foreignAmong(input.observed) };
}

/** What a plan says of each backend that was asked, in the order of llmops.yaml. */
export function plannedBackends(world: World): PlannedBackend[] {
  return [...world.specs.values()].flatMap((spec): PlannedBackend[] => {
    const seen = world.backends.get(spec.name);
    if (seen === undefined) return [];
    if (seen.status === 'unreachable') return [{ spec, status: 'unreachable', engine: null, instances: 0 }];
    return [{ spec, status: 'reachable', engine: engineLabel(seen.engine), instances: seen.instances.length }];
  });
}
