import type { LoopParts } from './loop-parts.ts';
import type { Wake } from './wake.ts';

/** Processes are looked after this often, in milliseconds. */
const PULSE_MS = 1000;

/** Rests between two looks, and ends that early when somebody pokes, or when a process that ran is gone. */
export class Pulse {
  readonly #parts: Pick<LoopParts, 'clock' | 'isGone'>;
  readonly #wake: Wake;
  #pids: readonly number[] = [];
  /** Of them: that they are gone was seen, and looked at. */
  #gone: ReadonlySet<number> = new Set();

  constructor(parts: Pick<LoopParts, 'clock' | 'isGone'>, wake: Wake) {
    this.#parts = parts;
    this.#wake = wake;
  }

  /** These were seen to run. */
  saw(pids: readonly number[]): void {
    this.#pids = pids;
    this.#gone = new Set(pids.filter((pid) => this.#gone.has(pid)));
  }

  async rest(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, isGone } = this.#parts;
    const until = clock.monotonicMs() + ms;
    for (let left = ms; left > 0 && !signal.aborted; left = until - clock.monotonicMs()) {
      await this.#wake.wait(Math.min(left, PULSE_MS), signal);
      if (this.#wake.isPoked || this.#isNews(this.#pids.filter(isGone))) return;
    }
  }

  /** Each is worth one look at once: an engine in a place of its own tells pids that mean nothing here. */
  #isNews(gone: readonly number[]): boolean {
    const isNews = gone.some((pid) => !this.#gone.has(pid));
    this.#gone = new Set(gone);
    return isNews;
  }
}
