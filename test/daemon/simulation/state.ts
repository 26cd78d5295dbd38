import type { Holds } from '../../../src/domain/holds.ts';
import type { ModelSpec } from '../../../src/domain/desired.ts';
import type { Lease } from '../../../src/domain/ledger.ts';
import { ProblemError } from '../../../src/domain/problem.ts';
import { goodOthers } from '../../../src/stack/release.ts';
import type { Session } from '../../../src/stack/session.ts';
import { jsonText, writeDurably } from '../../../src/state/durable.ts';
import { listGenerations, readGeneration, readHolds, type Disk, type StoredState } from '../../../src/state/index.ts';
import type { Life } from './life.ts';
import type { Planning } from './planning.ts';
import { DIR, type Sessions } from './stacks.ts';

/** The lease of the stack, as the kernel gives it out: free when its holder is dead. */
export class LeaseDesk {
  #token = 0;
  #holder: { readonly token: number; readonly who: string; readonly life: Life | null } | null = null;

  get holder(): string | null {
    if (this.#holder?.life?.alive === false) this.#holder = null;
    return this.#holder?.who ?? null;
  }

  /** null: somebody has it. */
  take(who: string, life: Life | null): Lease | null {
    if (this.holder !== null) return null;
    const mine = { token: (this.#token += 1), who, life };
    this.#holder = mine;
    return {
      token: mine.token,
      verify: () => {
        if (this.#holder !== mine) throw new ProblemError({ code: 'lease-lost', summary: 'The lease is lost.', fix: 'Try again.' });
      },
      release: () => {
        if (this.#holder === mine) this.#holder = null;
      },
    };
  }
}

/** As `changeHolds` does it, which has a lock of the kernel besides. Here nobody comes in between, as no time passes. */
export async function changeHoldsOn(disk: Disk, change: (holds: Holds) => Holds): Promise<Holds> {
  const { holds } = await readHolds(DIR, disk);
  const next = change(holds);
  if (next !== holds) await writeDurably(disk, `${DIR}/holds.json`, jsonText(next));
  return next;
}

/** As the real hands find it. */
export async function lastGoodOn(disk: Disk, release: string): Promise<number | null> {
  const [{ holds }, generations] = await Promise.all([readHolds(DIR, disk), listGenerations(DIR, disk)]);
  return goodOthers(generations, release, holds)[0]?.number ?? null;
}

/** Opens the stack as it is in force, as `stack/in-force` does it. null: nothing was ever applied. */
export class InForce {
  readonly #sessions: Sessions;
  readonly #planning: Planning;
  #known: { readonly key: string; readonly session: Session } | null = null;

  constructor(sessions: Sessions, planning: Planning) {
    this.#sessions = sessions;
    this.#planning = planning;
  }

  async session(disk: Disk, stored: StoredState): Promise<Session | null> {
    const { generation, models } = stored.inventory;
    const key = JSON.stringify([generation, Object.entries(models).map(([name, one]) => [name, one.specHash, one.generation])]);
    if (this.#known?.key === key) return this.#known.session;
    const number = generation ?? (await listGenerations(DIR, disk))[0]?.number ?? null;
    const last = await this.#of(disk, number);
    if (last === null) return null;
    const session = await this.#compose(disk, last, stored);
    this.#known = { key, session };
    return session;
  }

  async #compose(disk: Disk, last: Session, stored: StoredState): Promise<Session> {
    const { models: applied } = stored.inventory;
    const wished = this.#wished(last, stored);
    const all = new Map(last.desired.models.map((model) => [model.name, model]));
    const lagging = Object.keys(applied).filter((name) => applied[name]?.specHash !== wished.get(name));
    for (const [name, { specHash, generation }] of Object.entries(applied)) {
      if (!lagging.includes(name)) continue;
      const former = await this.#former(disk, stored, name, generation, specHash);
      if (former !== undefined) all.set(name, former);
    }
    const models = [...all.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
    return { ...last, lagging: lagging.toSorted(), desired: { ...last.desired, models } };
  }

  async #former(disk: Disk, stored: StoredState, name: string, upTo: number, specHash: string): Promise<ModelSpec | undefined> {
    const generations = (await listGenerations(DIR, disk)).filter(({ number }) => number <= upTo);
    const sessions = generations.map(({ source }) => this.#sessions.of(source.text));
    const session = sessions.find((one) => this.#wished(one, stored).get(name) === specHash) ?? sessions[0];
    return session?.desired.models.find((model) => model.name === name);
  }

  #wished(session: Session, stored: StoredState): ReadonlyMap<string, string | null> {
    const { changes } = this.#planning.plan(session, { observed: [], stored, version: 'in force' }, { allowDestroy: true });
    return new Map(changes.map(({ model, wish }) => [model, wish?.specHash ?? null]));
  }

  async #of(disk: Disk, number: number | null): Promise<Session | null> {
    const generation = number === null ? null : await readGeneration(DIR, number, disk);
    return generation === null ? null : this.#sessions.of(generation.source.text);
  }
}
