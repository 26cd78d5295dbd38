import type { BackendSpec } from '../domain/desired.ts';
import type { Endpoint, ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import type { Foreign, PlannedBackend } from '../domain/plan.ts';
import type { PlanInput } from './input.ts';

/** The observation, arranged so that every later look-up is one step. */
export interface World {
  readonly backends: ReadonlyMap<string, ObservedBackend>;
  readonly specs: ReadonlyMap<string, BackendSpec>;
  /** Copies of ours per model, on whatever backend they run; best known first: see {@link byMerit}. */
  readonly ours: ReadonlyMap<string, readonly ObservedInstance[]>;
  readonly foreign: readonly Foreign[];
}

/** Indexes what was observed. A backend that is seen but no longer declared gets a bare spec, so that it can be connected to. */
export function arrangeWorld(input: PlanInput): World {
  const backends = new Map(input.observed.map((backend) => [backend.name, backend]));
  const specs = new Map(input.desired.backends.map((spec) => [spec.name, spec]));
  for (const { name, type } of input.observed) {
    if (!specs.has(name)) specs.set(name, { name, type, reserve: { vramBytes: 0, ramBytes: 0 }, options: {} });
  }
  const ours = new Map<string, ObservedInstance[]>();
  const foreign: Foreign[] = [];
  const strangers = new Set<string>(); // two backends of one type see the same strangers
  for (const instance of input.observed.flatMap((backend) => (backend.status === 'reachable' ? backend.instances : []))) {
    if (instance.owner === 'foreign') {
      const stranger =
        instance.process === null ? `${instance.backend} ${instance.id}` : `${instance.process.pid} ${instance.process.started}`;
      if (strangers.has(stranger)) continue;
      strangers.add(stranger);
      foreign.push({ backend: instance.backend, id: instance.id, model: instance.model, endpoint: instance.endpoint });
      continue;
    }
    const model = instance.model ?? instance.id.slice(0, Math.max(0, instance.id.lastIndexOf('-')));
    const copies = ours.get(model);
    if (copies === undefined) ours.set(model, [instance]);
    else copies.push(instance);
  }
  for (const [model, copies] of ours) copies.sort(byMerit(input.inventory.endpoints[model] ?? null));
  foreign.sort((a, b) => compareText(a.backend, b.backend) || compareText(a.id, b.id));
  return { backends, specs, ours, foreign };
}

/** What a plan says of each backend that was asked, in the order of llmops.yaml. */
export function plannedBackends(world: World): PlannedBackend[] {
  return [...world.specs.values()].flatMap((spec): PlannedBackend[] => {
    const seen = world.backends.get(spec.name);
    if (seen === undefined) return [];
    if (seen.status === 'unreachable') return [{ spec, status: 'unreachable', engine: null, instances: 0 }];
    const engine = seen.engine.status === 'present' ? `${seen.engine.at.split('/').at(-1)} ${seen.engine.version}` : null;
    return [{ spec, status: 'reachable', engine, instances: seen.instances.length }];
  });
}

const PHASES = ['serving', 'starting', 'failed', 'unknown'] as const;

/** Which copy counts most: one that serves, then the one clients are sent to, then the newest, then by id and pid. */
function byMerit(published: Endpoint | null): (a: ObservedInstance, b: ObservedInstance) => number {
  const reached = ({ id, endpoint }: ObservedInstance): number => (id !== published?.instance ? 0 : endpoint === published.url ? 2 : 1);
  return (a, b) =>
    PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
    reached(b) - reached(a) ||
    compareText(b.startedAt ?? '', a.startedAt ?? '') ||
    compareText(a.id, b.id) ||
    (a.process?.pid ?? 0) - (b.process?.pid ?? 0);
}

/** Order of texts by code unit: the same on every machine, unlike locale order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
