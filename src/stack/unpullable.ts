import type { Driver, Wanted } from '../domain/backend.ts';
import { copiesByModel } from '../domain/copies.ts';
import type { Artifact, ModelSpec } from '../domain/desired.ts';
import { heldKey, type Inventory, type ObservedBackend } from '../domain/observed.ts';

interface Found {
  readonly artifacts: Readonly<Record<string, Artifact>>;
  readonly inventory: Inventory;
  readonly drivers: Readonly<Record<string, Driver>>;
}

/**
 * Looks for weights that an engine would have to fetch and cannot, so that a plan says how they come instead. Asks only for models that do
 * not run from theirs and whose weights their engine does not hold: where all is as declared, nobody is asked. A backend that
 * cannot tell in time adds nothing; the pull itself finds out.
 */
export async function withUnpullable(
  models: readonly ModelSpec[],
  observed: readonly ObservedBackend[],
  { artifacts, inventory, drivers }: Found,
  signal: AbortSignal,
): Promise<readonly ObservedBackend[]> {
  const copies = copiesByModel(observed, inventory.endpoints);
  const runs = ({ name }: ModelSpec, { sha256 }: Artifact): boolean =>
    (copies.get(name) ?? []).some(({ phase, configured }) => phase !== 'failed' && configured['digest'] === sha256);
  return Promise.all(
    observed.map(async (backend) => {
      const look = drivers[backend.name]?.unpullable;
      if (look === undefined || backend.status === 'unreachable') return backend;
      const held = new Set(backend.held);
      const wanted = models.flatMap((model): Wanted[] => {
        const artifact = artifacts[model.name];
        const isNeeded = model.backend === backend.name && artifact?.remote !== undefined && !held.has(heldKey(artifact));
        return isNeeded && !runs(model, artifact) ? [{ model, artifact }] : [];
      });
      const unpullable = wanted.length === 0 ? [] : await look(wanted, signal).catch(() => []);
      return unpullable.length === 0 ? backend : { ...backend, unpullable };
    }),
  );
}
