import type { DaemonClock } from './types.ts';

/** Sleeps until it is time, or until somebody pokes. A poke while nobody sleeps is not lost. */
export class Wake {
  readonly #clock: Pick<DaemonClock, 'sleep'>;
  #poked = new AbortController();

  constructor(clock: Pick<DaemonClock, 'sleep'>) {
    this.#clock = clock;
  }

  poke(): void {
    this.#poked.abort();
  }

  get isPoked(): boolean {
    return this.#poked.signal.aborted;
  }

  /** Forgets earlier pokes: what they were for is about to be looked at. */
  clear(): void {
    if (this.#poked.signal.aborted) this.#poked = new AbortController();
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, AbortSignal.any([signal, this.#poked.signal]));
  }
}
