import type { MemoryNeed } from '../fit/index.ts';
import type { MemoryPool } from '../domain/observed.ts';
import type { World } from './world.ts';
import { poolsOf } from './memory.ts';

/** One pool while memory is being shared out: what is free now, and what stops will free. */
interface Account {
  now: number;
  /** Bytes that the stops still in `credits` will free. */
  promised: number;
  readonly credits: { readonly step: string; bytes: number }[];
}

/** What a start was granted. */
export interface Grant {
  /** False: even after every stop that could come first there is not enough. */
  readonly fits: boolean;
  /** Steps that must have freed memory before. */
  readonly after: readonly string[];
}

/**
 * Shares out memory between the starts of one plan, in the order they ask. Free memory is taken first, then what stops
 * free, oldest promise first; nothing is granted twice. Pools of the same name are the same memory, whichever backend
 * tells of them; of differing figures the smallest counts.
 */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly #keys = new Map<string, { readonly ram: string | null; readonly vram: string | null }>();

  constructor(world: World) {
    for (const [name, backend] of world.backends) {
      const pools = poolsOf(backend);
      const reserve = world.specs.get(name)?.reserve;
      const ram = this.#open(pools.ram, reserve?.ramBytes ?? 0);
      this.#keys.set(name, { ram, vram: this.#open(pools.vram, reserve?.vramBytes ?? 0) });
    }
  }

  #open(pool: MemoryPool | null, reserve: number): string | null {
    if (pool === null) return null;
    const key = `${pool.kind} ${pool.name}`;
    const free = Math.max(0, pool.freeBytes - reserve);
    const account = this.#accounts.get(key);
    if (account === undefined) this.#accounts.set(key, { now: free, promised: 0, credits: [] });
    else account.now = Math.min(account.now, free);
    return key;
  }

  #parts(backend: string, need: MemoryNeed): [Account | null, number][] {
    const keys = this.#keys.get(backend);
    return (['ram', 'vram'] as const)
      .filter((kind) => need[kind] > 0)
      .map((kind) => [this.#accounts.get(keys?.[kind] ?? '') ?? null, need[kind]]);
  }

  /** True if the backend tells of the memory that this would take. */
  knows(backend: string, need: MemoryNeed): boolean {
    return this.#parts(backend, need).every(([account]) => account !== null);
  }

  /** True if it fits, at once or after stops. Takes nothing. */
  fits(backend: string, need: MemoryNeed): boolean {
    return this.#parts(backend, need).every(([account, bytes]) => account !== null && account.now + account.promised >= bytes);
  }

  /** Takes the memory, or as much of it as there is. */
  take(backend: string, need: MemoryNeed): Grant {
    const fits = this.fits(backend, need);
    const after = this.#parts(backend, need).flatMap(([account, bytes]) => (account === null ? [] : draw(account, bytes)));
    return { fits, after: [...new Set(after)] };
  }

  /** Promises what a step will free. Unknown is nothing. */
  promise(backend: string, step: string, freed: MemoryNeed | null): void {
    if (freed === null) return;
    for (const [account, bytes] of this.#parts(backend, freed)) {
      if (account === null) continue;
      account.promised += bytes;
      account.credits.push({ step, bytes });
    }
  }
}

function draw(account: Account, bytes: number): string[] {
  const atOnce = Math.min(account.now, bytes);
  account.now -= atOnce;
  const after: string[] = [];
  let missing = bytes - atOnce;
  for (let credit = account.credits[0]; missing > 0 && credit !== undefined; credit = account.credits[0]) {
    const taken = Math.min(credit.bytes, missing);
    credit.bytes -= taken;
    account.promised -= taken;
    missing -= taken;
    after.push(credit.step);
    if (credit.bytes === 0) account.credits.shift();
  }
  return after;
}
