import type { Inventory } from '../../src/domain/observed.ts';
import { readState, type Disk } from '../../src/state/index.ts';
import type { World } from '../world/server.ts';

/** Everything that must not depend on whether somebody was killed: what runs, where clients go, what is recorded. */
export interface Picture {
  readonly instances: Readonly<Record<string, unknown>>;
  readonly endpoints: Readonly<Record<string, unknown>>;
  readonly models: Readonly<Record<string, unknown>>;
  readonly pending: readonly unknown[];
}

/** Reads the state for {@link pictureOf}. */
export async function picture(world: World, realms: readonly string[], dir: string, disk?: Disk): Promise<Picture> {
  return pictureOf(world, realms, (await readState(dir, disk)).inventory);
}

/** Times, also how long a start took, and numbers of generations are left out: they tell how often somebody tried. */
export function pictureOf(world: World, realms: readonly string[], inventory: Inventory): Picture {
  const running = realms.flatMap((name) =>
    [...world.realm(name).instances.values()].map((instance) => ({ realm: name.replace(/-.*/, ''), instance })),
  );
  return {
    instances: Object.fromEntries(
      running.map(({ realm, instance: { id, phase, loaded, spec } }) => [`${realm}/${id}`, structuredClone({ phase, loaded, spec })]),
    ),
    endpoints: inventory.endpoints,
    models: Object.fromEntries(
      Object.entries(inventory.models).map(([name, { at: _at, startMs: _startMs, generation: _generation, ...applied }]) => [
        name,
        applied,
      ]),
    ),
    pending: inventory.pending,
  };
}

/** How many instances were ever started in these realms. */
export function startsIn(world: World, realms: readonly string[]): number {
  const starts = world.requests.filter(
    (request) => request.startsWith('PUT ') && realms.some((name) => request.startsWith(`PUT /${name}/`)),
  );
  return starts.length;
}
