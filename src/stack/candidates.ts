import type { Driver, Wanted } from '../domain/backend.ts';
import { areGone, copiesByModel } from '../domain/copies.ts';
import type { Artifact, ModelSpec } from '../domain/desired.ts';
import type { Inventory, ObservedBackend } from '../domain/observed.ts';

interface Found {
  readonly artifacts: Readonly<Record<string, Artifact>>;
  readonly observed: readonly ObservedBackend[];
  readonly inventory: Inventory;
  readonly drivers: Readonly<Record<string, Driver>>;
}

/**
 * Looks for what somebody else runs in the place of models that have no living copy of ours: a supervisor of theirs may have started
 * anew what was taken over. A backend that cannot tell in time adds nothing: then what is not ours is shown as foreign, as ever.
 */
export async function withCandidates(
  models: readonly ModelSpec[],
  { artifacts, observed, inventory, drivers }: Found,
  signal: AbortSignal,
): Promise<readonly ObservedBackend[]> {
  const ours = copiesByModel(observed, inventory.endpoints);
  const free = models.filter(({ name }) => areGone(ours.get(name) ?? []));
  const wanted = Map.groupBy(free, ({ backend }) => backend);
  if (wanted.size === 0) return observed;
  return Promise.all(
    observed.map(async (backend) => {
      const look = drivers[backend.name]?.candidates;
      const own = (wanted.get(backend.name) ?? []).flatMap((model): Wanted[] => {
        const artifact = artifacts[model.name];
        return artifact === undefined ? [] : [{ model, artifact }];
      });
      if (look === undefined || own.length === 0 || backend.status === 'unreachable') return backend;
      const candidates = await look(own, signal).catch(() => []);
      return candidates.length === 0 ? backend : { ...backend, candidates };
    }),
  );
}
