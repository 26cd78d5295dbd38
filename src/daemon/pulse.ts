import type { LoopParts } from './loop-parts.ts';
import type { Running } from './types.ts';
import type { Wake } from './wake.ts';

/** Processes are looked after this often, in milliseconds. */
const PULSE_MS = 1000;

/** Rests between two looks, and ends that early when somebody pokes, or when a process that ran is gone. */
export class Pulse {
  readonly #parts: Pick<LoopParts, 'clock' | 'isGone'>;
  readonly #wake: Wake;
  #processes: readonly Running[] = [];
  /** Of them: those that are gone, and that this was known of. */
  #gone: ReadonlySet<number> = new Set();

  constructor(parts: Pick<LoopParts, 'clock' | 'isGone'>, wake: Wake) {
    this.#parts = parts;
    this.#wake = wake;
  }

  /** These were seen to run. One that is gone at that very moment has a pid that means nothing here, or is seen by the next look. */
  saw(processes: readonly Running[]): void {
    this.#processes = processes;
    this.#gone = new Set(this.#goneOf(processes));
  }

  async rest(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.monotonicMs() + ms;
    for (let left = ms; left > 0 && !signal.aborted; left = until - clock.monotonicMs()) {
      await this.#wake.wait(Math.min(left, PULSE_MS), signal);
      if (this.#wake.isPoked || this.#isNews(this.#goneOf(this.#processes))) return;
    }
  }

  /** Resolves to true when a process is gone of a model that is none of these; to false when the signal is aborted. */
  async alarm(busy: ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
    const others = this.#processes.filter(({ model }) => !busy.has(model));
    while (others.length > 0 && !signal.aborted) {
      if (this.#goneOf(others).some((pid) => !this.#gone.has(pid))) return true;
      await this.#parts.clock.sleep(PULSE_MS, signal);
    }
    return false;
  }

  #goneOf(processes: readonly Running[]): readonly number[] {
    return processes.map(({ pid }) => pid).filter(this.#parts.isGone);
  }

  /** Each is worth one look at once. */
  #isNews(gone: readonly number[]): boolean {
    const isNews = gone.some((pid) => !this.#gone.has(pid));
    this.#gone = new Set(gone);
    return isNews;
  }
}
