import type { Watching } from '../types.ts';
import { Alarm } from './alarm.ts';
import { listenToFolders, type Close } from './folder-events.ts';
import type { Snapshot } from './snapshot.ts';

/** What is watched. */
export interface Watched {
  /** Absolute paths of all files. */
  paths(): readonly string[];
  /** What the file system says of them, without reading them. */
  stamp(): Promise<string>;
  snapshot(signal: AbortSignal): Promise<Snapshot>;
  /** The state that was handed out last, and how often one was; null: never. */
  lastLook(): { readonly id: string | null; readonly count: number };
}

/** How fast, and by what means. */
export interface Pace {
  readonly settleMs: number;
  readonly rehashMs: number;
  readonly usePolling: boolean;
}

/** How late a change may be told while somebody writes all the time. */
const LATEST_MS = 1000;
/** How often files are asked for where no events come. */
const POLL_MS = 500;
/** How many times longer than to ask for the stamps it takes until all is read, whatever they say. */
const REHASH_EVERY = 10;

/**
 * Hears of files by events and asks for them every few seconds as well, because events get lost: on network drives, in mounts of a
 * single file, while a folder is replaced. Tells only of bytes that are not those of the last look.
 */
export class FileWatch implements Watching {
  readonly #watched: Watched;
  readonly #changed: () => void;
  readonly #pace: Pace;
  readonly #alarm: Alarm;
  readonly #closing = new AbortController();
  #deaf: boolean;
  /** Everything that takes time, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #isQueued = false;
  #stopListening: Close | null = null;
  #timer: NodeJS.Timeout | undefined;
  #rounds = 0;
  #stamp = '';
  #looks = 0;
  /** What was there before anybody looked. */
  #first: string | null = null;
  /** What was told since the last look. */
  #told: string | null = null;

  constructor(watched: Watched, changed: () => void, pace: Pace) {
    this.#watched = watched;
    this.#changed = changed;
    this.#pace = pace;
    this.#deaf = pace.usePolling;
    this.#alarm = new Alarm(pace.settleMs, Math.max(LATEST_MS, pace.settleMs), () => this.#askForCheck());
  }

  /** Resolves when nothing is missed any more. */
  async start(): Promise<this> {
    this.#looks = this.#watched.lastLook().count;
    if (this.#looks === 0) this.#first = (await this.#watched.snapshot(this.#closing.signal)).id;
    await this.#then(() => this.#listen());
    this.#alarm.ring(); // for what happened since the last look
    this.#schedule();
    return this;
  }

  /** The files are others than before. */
  moved(): void {
    void this.#then(() => this.#listen());
    this.#alarm.ring();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#alarm.cancel();
    clearTimeout(this.#timer);
    await this.#work;
    await this.#hush();
  }

  #then(act: () => Promise<void>): Promise<void> {
    this.#work = this.#after(this.#work, act);
    return this.#work;
  }

  async #after(before: Promise<void>, act: () => Promise<void>): Promise<void> {
    await before;
    const { signal } = this.#closing;
    if (signal.aborted) return;
    await act().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  async #listen(): Promise<void> {
    await this.#hush();
    if (this.#deaf) return;
    const failed = (): void => {
      this.#deaf = true;
      void this.#then(() => this.#hush());
      if (this.#timer !== undefined) this.#schedule();
    };
    try {
      this.#stopListening = await listenToFolders(this.#watched.paths(), () => this.#alarm.ring(), failed);
    } catch {
      failed(); // the library itself could not be loaded: no number left for an open file
    }
  }

  async #hush(): Promise<void> {
    await this.#stopListening?.();
    this.#stopListening = null;
  }

  get #intervalMs(): number {
    return this.#deaf ? Math.min(POLL_MS, this.#pace.rehashMs) : this.#pace.rehashMs;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#then(() => this.#recheck()).then(() => this.#schedule()), this.#intervalMs).unref();
  }

  async #recheck(): Promise<void> {
    this.#rounds += 1;
    const isDue = this.#rounds * this.#intervalMs >= REHASH_EVERY * this.#pace.rehashMs;
    if (isDue) this.#rounds = 0;
    if (isDue || this.#looks !== this.#watched.lastLook().count || this.#stamp !== (await this.#watched.stamp())) this.#alarm.ring();
  }

  #askForCheck(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    void this.#then(async () => {
      this.#isQueued = false;
      await this.#check();
    });
  }

  async #check(): Promise<void> {
    const before = this.#watched.lastLook();
    if (before.count !== this.#looks) this.#told = null; // somebody looked since
    this.#looks = before.count;
    const stamp = await this.#watched.stamp(); // before the bytes, so that what comes after them is seen as a change
    const { id } = await this.#watched.snapshot(this.#closing.signal);
    if (this.#watched.lastLook().count !== before.count) return this.#alarm.ring(); // its bytes may be newer than these
    this.#stamp = stamp;
    const base = before.id ?? this.#first;
    const isNews = id !== base && id !== this.#told;
    this.#told = id === base ? null : id;
    if (isNews) queueMicrotask(() => !this.#closing.signal.aborted && this.#changed());
  }
}
