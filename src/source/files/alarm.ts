/** Joins a burst of calls into one that comes when it is quiet, and no later than `latestMs` after the first of them. */
export class Alarm {
  readonly #settleMs: number;
  readonly #latestMs: number;
  readonly #act: () => void;
  #timer: NodeJS.Timeout | undefined;
  #firstAt: number | null = null;

  constructor(settleMs: number, latestMs: number, act: () => void) {
    this.#settleMs = settleMs;
    this.#latestMs = latestMs;
    this.#act = act;
  }

  /** Keeps no process alive. */
  ring(): void {
    const now = performance.now();
    this.#firstAt ??= now;
    clearTimeout(this.#timer);
    const wait = Math.min(this.#settleMs, Math.max(0, this.#firstAt + this.#latestMs - now));
    this.#timer = setTimeout(() => {
      this.#firstAt = null;
      this.#act();
    }, wait).unref();
  }

  /** Forgets what was rung. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#firstAt = null;
  }
}
