import type { Disk } from '../../../src/state/index.ts';
import type { MemoryDisk } from '../../world/memory-disk.ts';

/** What a dead process waits for. One of its own for each: nobody keeps what waits. */
const never = (): Promise<never> => new Promise(() => undefined);

/** A process that may die at each of its acts on the outside. What it was about to do then is never done, and nothing hears of it again. */
export class Life {
  alive = true;
  readonly #died: () => void;
  #left: number | null = null;

  constructor(died: () => void) {
    this.#died = died;
  }

  /** It dies at the n-th act from now on. */
  diesIn(acts: number): void {
    this.#left = acts;
  }

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#died();
  }

  /** An act, with a moment to die before and one after it. */
  async act<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#survives()) return never();
    const result = await work();
    return this.#survives() ? result : never();
  }

  /** What changes nothing outside: a dead one does not come back from it. */
  async look<T>(work: () => Promise<T>): Promise<T> {
    const result = await work();
    return this.alive ? result : never();
  }

  #survives(): boolean {
    if (this.#left !== null) this.#left -= 1;
    if (this.#left === 0) this.die();
    return this.alive;
  }
}

/** A disk as one process uses it. `changed`: something may be another by now. */
export function diskOf(disk: MemoryDisk, life: Life, changed: () => void): Disk {
  const write = (work: () => Promise<void>): Promise<void> => life.act(() => work().finally(changed));
  return {
    read: (path) => life.look(() => disk.read(path)),
    list: (path) => life.look(() => disk.list(path)),
    makeFolder: (path) => disk.makeFolder(path),
    write: (path, bytes) => write(() => disk.write(path, bytes)),
    append: (path, bytes) => write(() => disk.append(path, bytes)),
    truncate: (path, length) => write(() => disk.truncate(path, length)),
    rename: (from, to) => write(() => disk.rename(from, to)),
    remove: (path) => write(() => disk.remove(path)),
    syncFolder: (path) => disk.syncFolder(path),
  };
}
