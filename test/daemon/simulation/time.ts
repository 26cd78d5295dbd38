import type { Random } from './random.ts';

/** After so many timers. */
const BREATH = 500;

interface Timer {
  readonly at: number;
  /** Decides among timers of the same moment. */
  readonly tie: number;
  readonly call: () => void;
  isCleared: boolean;
}

/**
 * Time that passes only when nothing else is to be done. Timers of one moment go off in an order that the seed decides. Everything that
 * is simulated waits on promises alone, so that all of it has come to rest before the next timer.
 */
export class VirtualTime {
  ms = 0;
  /** How far the wall's clock is ahead; people and daemons of another kind set it. */
  wallAheadMs = Date.parse('2026-03-02T10:00:00Z');
  readonly #random: Random;
  readonly #heap: Timer[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get wallMs(): number {
    return this.ms + this.wallAheadMs;
  }

  iso(): string {
    return new Date(this.wallMs).toISOString();
  }

  after(ms: number, call: () => void): Timer {
    const timer = { at: this.ms + Math.max(0, ms), tie: this.#random.next(), call, isCleared: false };
    this.#push(timer);
    return timer;
  }

  clear(timer: unknown): void {
    if (timer !== null && typeof timer === 'object') (timer as Timer).isCleared = true;
  }

  /** Resolves after this long, or when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const ended = () => {
        this.clear(timer);
        signal?.removeEventListener('abort', ended);
        resolve();
      };
      const timer = this.after(ms, ended);
      signal?.addEventListener('abort', ended);
    });
  }

  /** Goes on until that moment, or until `isOver` after a timer. */
  async runUntil(ms: number, isOver: () => boolean): Promise<void> {
    await atRest();
    let breathAt = BREATH;
    for (let next = this.#heap[0]; next !== undefined && next.at <= ms && !isOver(); next = this.#heap[0]) {
      this.#pop();
      if (next.isCleared) continue;
      this.ms = next.at;
      next.call();
      await atRest();
      breathAt -= 1;
      if (breathAt > 0) continue;
      breathAt = BREATH;
      await new Promise((resolve) => setImmediate(resolve)); // whoever runs the tests wants to be heard, and memory to be freed
    }
    if (!isOver()) this.ms = ms;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    for (let up = (at - 1) >> 1; at > 0 && isBefore(timer, heap[up] as Timer); up = (at - 1) >> 1) {
      heap[at] = heap[up] as Timer;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.tie < other.tie);
}

/** Resolves when no promise has anything left to do: what is queued for the next tick comes after all of them. */
function atRest(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** The global timers are those of this time, until `work` is through: a run's deadlines count on them. */
export async function withTimers<T>(time: VirtualTime, work: () => Promise<T>): Promise<T> {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const mine = {
    setTimeout: (call: () => void, ms: number) => time.after(ms, call),
    clearTimeout: (timer: unknown) => time.clear(timer),
  };
  Object.assign(globalThis, mine);
  try {
    return await work();
  } finally {
    Object.assign(globalThis, real);
  }
}
