import { stopped } from './hash/file.ts';

/** Bytes that a file still wants of the disk, asked whenever somebody else wants some. */
type Wanted = () => number;

/**
 * Room on the disk that downloads of this process were promised and have not filled yet: without it, two that start
 * together would each find room for one.
 */
export class Claims {
  readonly #held = new Map<string, { wanted: Wanted; holders: number }>();
  #turn: Promise<unknown> = Promise.resolve();

  /** What others than these keys still want. Bytes. */
  others(keys: ReadonlySet<string>): number {
    return [...this.#held].reduce((sum, [key, { wanted }]) => sum + (keys.has(key) ? 0 : Math.max(0, wanted())), 0);
  }

  /** Keeps room for all of these if `check` finds it, one caller after the other. Returns what gives it back; throws what `check` throws. */
  async claim(wanted: ReadonlyMap<string, Wanted>, check: () => Promise<void>): Promise<() => void> {
    const turn = this.#after(this.#turn, wanted, check);
    this.#turn = turn.catch(() => undefined);
    await turn;
    return () => {
      for (const key of wanted.keys()) this.#release(key);
    };
  }

  async #after(before: Promise<unknown>, wanted: ReadonlyMap<string, Wanted>, check: () => Promise<void>): Promise<void> {
    await before;
    await check();
    for (const [key, one] of wanted) this.#held.set(key, { wanted: one, holders: (this.#held.get(key)?.holders ?? 0) + 1 });
  }

  #release(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    held.holders -= 1;
    if (held.holders === 0) this.#held.delete(key);
  }
}

/** Downloads that go on at once in this process, whichever models they are for: more bring nothing on one network, and hurt the server. */
export class Lanes {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(lanes: number) {
    this.#free = lanes;
  }

  /** Waits for a lane. Returns what gives it back. Throws `cancelled`. */
  async take(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw stopped(signal);
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    return () => this.#giveBack();
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const mine = (): void => {
        signal.removeEventListener('abort', gone);
        resolve();
      };
      const gone = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(mine), 1);
        reject(stopped(signal));
      };
      this.#waiting.push(mine);
      signal.addEventListener('abort', gone, { once: true });
    });
  }

  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
