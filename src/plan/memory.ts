import type { Fields } from '../domain/fields.ts';
import type { ObservedBackend, ObservedInstance, MemoryPool } from '../domain/observed.ts';
import { estimateMemory, splitNeed, type MemoryNeed } from '../fit/index.ts';
import type { World } from './world.ts';
import type { Wish } from './wish.ts';
import type { AppliedModel } from '../domain/observed.ts';

/** The memory that one backend's copies live in, per kind. Several GPUs count as one. Null: not known. */
export interface Pools {
  readonly ram: MemoryPool | null;
  readonly vram: MemoryPool | null;
}

/** Sums a backend's pools by kind. Two backends that name the same pools share them. */
export function poolsOf(backend: ObservedBackend | undefined): Pools {
  const memory = backend?.status === 'reachable' ? backend.memory : [];
  return { ram: sum(memory.filter((pool) => pool.kind === 'ram')), vram: sum(memory.filter((pool) => pool.kind === 'vram')) };
}

function sum(pools: readonly MemoryPool[]): MemoryPool | null {
  const [first, ...rest] = pools;
  if (first === undefined) return null;
  return rest.reduce(
    (all, pool) => ({
      kind: all.kind,
      name: `${all.name}+${pool.name}`,
      totalBytes: all.totalBytes + pool.totalBytes,
      freeBytes: all.freeBytes + pool.freeBytes,
    }),
    first,
  );
}

/** What a copy of this wish needs; null: not known. */
export function needOfWish(world: World, wish: Wish): MemoryNeed | null {
  return estimated(wish, wish.spec.fields, poolsOf(world.backends.get(wish.spec.backend)));
}

function estimated({ artifact, traits }: Wish, fields: Fields, pools: Pools): MemoryNeed | null {
  const estimate = estimateMemory(artifact, fields);
  if (estimate === null) return null;
  const { ram, vram } = splitNeed(estimate, artifact.gguf, fields, pools.vram !== null);
  const { ramBytes, vramBytes } = traits.footprint ?? { ramBytes: 0, vramBytes: 0 };
  return { ram: ram + ramBytes, vram: vram === 0 ? 0 : vram + vramBytes };
}

/**
 * What ending a copy gives back; null: not known. Estimated as for a new copy if the same weights are still described
 * by `wish` and its settings are on record; else what is resident, where all of it is RAM.
 */
export function needOfCopy(world: World, copy: ObservedInstance, applied: AppliedModel | null, wish: Wish | null): MemoryNeed | null {
  const fields = applied !== null && applied.specHash === copy.specHash ? applied.fields : copy.configured;
  const pools = poolsOf(world.backends.get(copy.backend));
  if (wish !== null && fields['digest'] === wish.artifact.sha256) {
    const need = estimated(wish, fields, pools);
    if (need !== null) return need;
  }
  return copy.memoryBytes === null || pools.vram !== null ? null : { ram: copy.memoryBytes, vram: 0 };
}
