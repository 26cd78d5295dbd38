import type { Holds } from '../../../src/domain/holds.ts';
import { memoryDisk, usedBy } from '../../world/memory-disk.ts';
import { Engine } from './engine.ts';
import { Planning, type Seen } from './planning.ts';
import { randomOf, type Random } from './random.ts';
import { Repository } from './repository.ts';
import { DIR, ENGINES, Sessions } from './stacks.ts';
import { LeaseDesk } from './state.ts';
import { VirtualTime } from './time.ts';
import { readHolds, readState, type StoredState } from '../../../src/state/index.ts';

/** Everything outside a daemon: what stays when it dies. */
export class World {
  readonly random: Random;
  readonly time: VirtualTime;
  readonly engines: ReadonlyMap<string, Engine>;
  readonly disk = memoryDisk();
  readonly desk = new LeaseDesk();
  readonly sessions = new Sessions();
  readonly planning = new Planning();
  readonly repository: Repository;
  /** What must never be, and was. */
  readonly violations: string[] = [];
  #stored: { readonly version: number; readonly state: StoredState } | null = null;
  /** Models that were left to somebody else who changes them back. */
  readonly fought = new Set<string>();
  /** Starts and stops that took effect. */
  acts = 0;
  looks = 0;
  /** Grows with every write. */
  diskVersion = 0;

  constructor(seed: number) {
    this.random = randomOf(seed);
    this.time = new VirtualTime(this.random);
    this.engines = new Map(ENGINES.map((name) => [name, new Engine(name, this.time, this.random)]));
    this.repository = new Repository(this.time, this.random);
  }

  violate(what: string): void {
    this.violations.push(`${(this.time.ms / 1000).toFixed(3)} s: ${what}`);
  }

  /** Nothing more goes onto the disk, or there is room again. */
  fillDisk(isFull: boolean): void {
    this.disk.capacity = isFull ? usedBy(this.disk.files) : null;
  }

  /** What there is, by somebody whom nothing is kept from. */
  async seen(): Promise<Seen> {
    const observed = [...this.engines.values()].map((engine) => engine.observe());
    return { observed, stored: await this.stored(), version: this.version() };
  }

  /** Read anew only when something was written. */
  async stored(): Promise<StoredState> {
    const { diskVersion: version } = this;
    if (this.#stored?.version !== version) this.#stored = { version, state: await readState(DIR, this.disk) };
    return this.#stored.state;
  }

  version(): string {
    return [this.diskVersion, ...[...this.engines.values()].map(({ version }) => version)].join(' ');
  }

  async holds(): Promise<Holds> {
    return (await readHolds(DIR, this.disk)).holds;
  }

  /** Models whose clients are sent to a copy that serves, by their copy. */
  served(): ReadonlyMap<string, string> {
    const bytes = this.disk.files.get(`${DIR}/endpoints.json`);
    const { models } = bytes === undefined ? { models: {} } : (JSON.parse(Buffer.from(bytes).toString()) as EndpointsText);
    const copies = [...this.engines.values()].flatMap((engine) => [...engine.copies.values()]);
    const serving = new Set(copies.filter(({ phase }) => phase === 'serving').map(({ id }) => id));
    const reached = Object.entries(models).filter(([, { instance }]) => serving.has(instance));
    return new Map(reached.map(([model, { instance }]) => [model, instance]));
  }
}

interface EndpointsText {
  readonly models: Readonly<Record<string, { readonly instance: string }>>;
}
