import { existsSync } from 'node:fs';
import type { Settings } from './args.ts';
import { until, type Faults } from './faults.ts';
import type { FakeWeights } from './weights.ts';

const CONTEXT_STEP = 256;

/** The state of a fake server: slots, and the way llama-server 0.7.0 counts contexts. */
export class FakeEngine {
  readonly settings: Settings;
  readonly faults: Faults;
  weights: FakeWeights | null = null;
  isSleeping = false;
  isStopping = false;
  completions = 0;
  /** The numbers of the requests in flight, in the order in which they came: as many as there are slots are worked on, the rest waits. */
  private readonly tasks: number[] = [];
  private numbered = 0;

  constructor(settings: Settings, faults: Faults) {
    this.settings = settings;
    this.faults = faults;
  }

  get slots(): number {
    return this.settings.parallel ?? 4;
  }

  /** Per slot: the sum divided, rounded up to 256, and taken down without an error to what the model was trained for. */
  get contextPerSlot(): number {
    const { context, parallel, unified, perSlot } = this.settings;
    const trained = this.weights?.contextTrained ?? 0;
    if (context === 0) return trained;
    const shared = unified || parallel === null;
    const part = shared ? (perSlot ?? context) : context / this.slots;
    return Math.min(trained, Math.ceil(part / CONTEXT_STEP) * CONTEXT_STEP);
  }

  get inFlight(): number {
    return Math.min(this.tasks.length, this.slots);
  }

  get deferred(): number {
    return this.tasks.length - this.inFlight;
  }

  /** The request that a slot works on; -1: none. */
  taskIn(slot: number): number {
    return this.tasks[slot] ?? -1;
  }

  /** Runs a request in a slot: calls `emit` for each token until the limit, or until the test lets it end. */
  async generate(tokens: number, emit: (token: string) => void): Promise<void> {
    const task = this.numbered++;
    this.tasks.push(task);
    try {
      this.completions += 1;
      if (this.completions === this.faults.crashInRequest) process.kill(process.pid, 'SIGKILL');
      const gate = this.faults.generateUntil;
      emit(' desk');
      if (tokens > 1 && gate !== undefined) await until(gate);
      // On SIGTERM generation stops at once, and the request is left hanging.
      if (this.isStopping) await new Promise(() => undefined);
      for (let number = 1; number < Math.min(tokens, 8); number += 1) emit(' desk');
    } finally {
      this.tasks.splice(this.tasks.indexOf(task), 1);
    }
  }

  /** True while the test wants silence. */
  get hangs(): boolean {
    return this.faults.hangWhile !== undefined && existsSync(this.faults.hangWhile);
  }
}
