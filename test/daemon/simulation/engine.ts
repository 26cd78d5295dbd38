import type { InstanceSpec } from '../../../src/domain/desired.ts';
import type { Fields } from '../../../src/domain/fields.ts';
import type { ObservedBackend, ObservedInstance, Phase } from '../../../src/domain/observed.ts';
import { ProblemError, type Problem } from '../../../src/domain/problem.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

/** How a copy that is told to fail does: `start` it does not even begin, `load` it ends while it loads, `never` it loads for ever, `crash` it ends soon after it has come up. */
export const FAULTS = ['start', 'load', 'never', 'crash'] as const;

interface Copy {
  readonly id: string;
  readonly spec: InstanceSpec;
  readonly serial: number;
  readonly startedAt: string;
  phase: Phase;
  loaded: Fields;
}

const AWAY: Problem = { severity: 'error', code: 'engine-away', summary: 'It does not answer.' };
const PLENTY_BYTES = 1e12;
let serials = 1000;

/** One engine, with its copies. Copies live by themselves: they come up, end and lose settings whoever looks. */
export class Engine {
  readonly name: string;
  readonly copies = new Map<string, Copy>();
  isReachable = true;
  /** Grows with everything that an observation shows. */
  version = 0;
  readonly #time: VirtualTime;
  readonly #random: Random;
  #waiters: (() => void)[] = [];

  constructor(name: string, time: VirtualTime, random: Random) {
    this.name = name;
    this.#time = time;
    this.#random = random;
  }

  changed(): void {
    this.version += 1;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const one of waiters) one();
  }

  /** Resolves with the next change, or when the signal is aborted. */
  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#waiters.push(resolve);
    });
  }

  observe(): ObservedBackend {
    const [name, type] = [this.name, 'world'];
    if (!this.isReachable) return { status: 'unreachable', name, type, problem: AWAY };
    return {
      status: 'reachable',
      name,
      type,
      engine: { status: 'present', at: name, version: 'sim 1', capabilities: [] },
      instances: [...this.copies.values()].map((copy) => this.#seen(copy)),
      memory: [{ kind: 'ram', name: 'RAM', totalBytes: PLENTY_BYTES, freeBytes: PLENTY_BYTES }],
    };
  }

  look(id: string): ObservedInstance | null {
    this.answers();
    const copy = this.copies.get(id);
    return copy === undefined ? null : this.#seen(copy);
  }

  answers(): void {
    if (!this.isReachable) throw new ProblemError({ ...AWAY, fix: 'See that it runs.' });
  }

  start(spec: InstanceSpec): void {
    this.answers();
    const there = this.copies.get(spec.id);
    if (there !== undefined && there.phase !== 'failed') return;
    const fault = spec.options['fail'];
    if (fault === 'start') throw new ProblemError({ code: 'sim-memory', summary: 'Out of memory.', fix: 'Free some.' });
    serials += 1;
    const startedAt = this.#time.iso();
    const copy: Copy = { id: spec.id, spec, serial: serials, startedAt, phase: 'starting', loaded: toldOf(spec.fields) };
    this.copies.set(spec.id, copy);
    this.changed();
    if (fault === 'never') return;
    const loadMs = this.#random.between(500, 15_000);
    this.#becomes(copy, loadMs, fault === 'load' ? 'failed' : 'serving');
    if (fault === 'crash') this.#becomes(copy, loadMs + this.#random.between(2000, 20_000), 'failed');
  }

  stop(id: string): void {
    this.answers();
    if (this.copies.delete(id)) this.changed();
  }

  /** Something happens to a copy by itself. Of one that is gone, nothing does. */
  #becomes(copy: Copy, inMs: number, phase: Phase): void {
    this.#time.after(inMs, () => {
      if (this.copies.get(copy.id) !== copy || copy.phase === 'failed') return;
      copy.phase = phase;
      this.changed();
    });
  }

  #seen({ id, spec, serial, startedAt, phase, loaded }: Copy): ObservedInstance {
    return {
      id,
      owner: 'ours',
      backend: this.name,
      model: spec.model,
      specHash: spec.specHash,
      phase,
      endpoint: `http://${id}`,
      configured: spec.fields,
      loaded: phase === 'serving' ? { ...loaded } : null,
      activeRequests: 0,
      memoryBytes: 2 * spec.weights.bytes,
      startedAt,
      process: { pid: serial, started: String(serial) },
      logFile: null,
      problem: phase === 'failed' ? { severity: 'error', code: 'sim-failed', summary: 'It failed.' } : null,
    };
  }
}

/** What the engine tells of what it runs with. */
function toldOf(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'source' && name !== 'digest'));
}
