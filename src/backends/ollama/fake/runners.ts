import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from '../../../domain/desired.ts';
import type { Model } from './store.ts';

/** A refusal as Ollama words it. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Load options: any difference in one of them needs another runner (`api.Runner`). */
interface Options {
  num_ctx: number;
  num_batch: number;
  num_gpu: number;
  num_thread: number;
  main_gpu: number | null;
  use_mmap: boolean | null;
}

/** One runner: it serves every name of its weights, and is listed under the one that loaded it. */
export interface Runner {
  readonly key: string;
  readonly name: string;
  readonly digest: string;
  readonly context: number;
  readonly size: number;
  vram: number;
  readonly options: Options;
  readonly contextIsAutomatic: boolean;
  /** Requests that it works on. */
  refs: number;
  /** Milliseconds; infinite: for ever. */
  keepAliveMs: number;
  expiresAt: number;
  timer: NodeJS.Timeout | null;
}

/** How the machine is, and what goes wrong on it. */
export interface Machine {
  /** Layers that fit on its GPU; 0: it has none. */
  gpuLayers: number;
  /** `OLLAMA_CONTEXT_LENGTH`; 0: by memory, 4096 here. */
  contextLength: number;
  /** A load waits for this. */
  holdLoad: Promise<void> | null;
  /** Every load fails with these words. */
  failLoad: string | null;
  /** Copies in memory at once; the oldest idle one has to go. */
  maxLoaded: number;
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  integer: ['num_ctx', 'num_batch', 'num_gpu', 'num_thread', 'main_gpu', 'top_k', 'seed', 'num_predict', 'num_keep', 'repeat_last_n'],
  float32: ['temperature', 'top_p', 'min_p', 'repeat_penalty', 'presence_penalty', 'frequency_penalty'],
  boolean: ['use_mmap'],
  array: ['stop'],
};
const TYPES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(NAMES).flatMap(([type, names]) => names.map((name) => [name, type])),
);
const JS: Readonly<Record<string, string>> = { integer: 'number', float32: 'number', boolean: 'boolean', array: 'object' };

/** The scheduler: loads one after the other, shares runners, throws them out. */
export class Runners {
  readonly machine: Machine;
  readonly #loaded = new Map<string, Runner>();
  /** Loads are serial: a slow one holds all others up. */
  #queue: Promise<unknown> = Promise.resolve();
  /** How often weights were read into memory. */
  loads = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** The longest to live first. */
  list(): readonly Runner[] {
    return [...this.#loaded.values()].sort((a, b) => b.expiresAt - a.expiresAt);
  }

  /** Runs `work` with a runner for this model and these options of a request; waits for a load if it takes one. */
  async use<T>(
    model: Model,
    asked: Readonly<Record<string, Json>>,
    keepAliveMs: number | null,
    isGone: () => boolean,
    work: () => Promise<T>,
  ): Promise<T> {
    const options = this.#optionsOf(model, asked);
    const automatic = asked['num_ctx'] === undefined && model.options['num_ctx'] === undefined;
    const ready = this.#loaded.get(keyOf(model));
    const runner = ready && !needsReload(ready, options, automatic, model) ? ready : await this.#turn(model, options, automatic, isGone);
    runner.refs += 1;
    if (runner.timer) clearTimeout(runner.timer);
    if (keepAliveMs !== null) runner.keepAliveMs = keepAliveMs;
    try {
      return await work();
    } finally {
      runner.refs -= 1;
      this.#rest(runner);
    }
  }

  /** Says that a runner may go when it is idle. Returns at once. */
  expire(model: Model): void {
    const runner = this.#loaded.get(keyOf(model));
    if (!runner) return;
    runner.keepAliveMs = 0;
    runner.expiresAt = Date.now();
    if (runner.refs === 0) this.#rest(runner);
  }

  end(): void {
    for (const { timer } of this.#loaded.values()) if (timer) clearTimeout(timer);
    this.#loaded.clear();
  }

  /** As after a suspend: the GPU is gone and nothing says so. */
  loseGpu(): void {
    this.machine.gpuLayers = 0;
    for (const runner of this.#loaded.values()) runner.vram = 0;
  }

  #rest(runner: Runner): void {
    if (runner.refs > 0 || this.#loaded.get(runner.key) !== runner) return;
    const ms = runner.keepAliveMs;
    if (ms === Number.POSITIVE_INFINITY) return void (runner.expiresAt = FOR_EVER);
    runner.expiresAt = Date.now() + ms;
    // It takes a moment to go, and is on the list until then.
    runner.timer = setTimeout(
      () => this.#loaded.get(runner.key) === runner && runner.refs === 0 && this.#loaded.delete(runner.key),
      ms + 3,
    );
    runner.timer.unref();
  }

  #turn(model: Model, options: Options, automatic: boolean, isGone: () => boolean): Promise<Runner> {
    const turn = this.#queue.then(() => this.#load(model, options, automatic, isGone));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #load(model: Model, options: Options, automatic: boolean, isGone: () => boolean): Promise<Runner> {
    const before = this.#loaded.get(keyOf(model));
    if (before && !needsReload(before, options, automatic, model)) return before;
    if (before) await this.#throwOut(before);
    const oldest = [...this.#loaded.values()].find(({ refs }) => refs === 0);
    if (this.#loaded.size >= this.machine.maxLoaded && oldest) await this.#throwOut(oldest);
    await this.machine.holdLoad;
    if (isGone()) throw new Refusal(499, 'client connection closed before llama-server finished loading, aborting load');
    const words = this.machine.failLoad ?? unloadable(model);
    if (words !== null) throw new Refusal(500, `llama-server process has terminated: exit status 1: ${words}\n${words}`);
    this.loads += 1;
    const runner = this.#made(model, options, automatic);
    this.#loaded.set(runner.key, runner);
    return runner;
  }

  #made(model: Model, options: Options, automatic: boolean): Runner {
    const layers = model.facts.layers + 1;
    const onGpu = Math.min(options.num_gpu < 0 ? layers : options.num_gpu, this.machine.gpuLayers, layers);
    const context = Math.min(options.num_ctx, model.facts.contextTrained || options.num_ctx);
    const size = model.size + context * 1024;
    const vram = Math.floor((size * onGpu) / layers);
    const kept = { refs: 0, keepAliveMs: 300_000, expiresAt: Date.now() + 300_000, timer: null };
    return {
      key: keyOf(model),
      name: model.name,
      digest: model.digest,
      context,
      size,
      vram,
      options: { ...options, num_ctx: context },
      contextIsAutomatic: automatic,
      ...kept,
    };
  }

  /** Waits until its requests are done: none is ever cut. */
  async #throwOut(runner: Runner): Promise<void> {
    while (runner.refs > 0) await pause(2);
    if (runner.timer) clearTimeout(runner.timer);
    this.#loaded.delete(runner.key);
  }

  #optionsOf(model: Model, asked: Readonly<Record<string, Json>>): Options {
    const options: Record<string, Json> = {
      num_ctx: this.machine.contextLength || 4096,
      num_batch: 512,
      num_gpu: -1,
      num_thread: 0,
      main_gpu: null,
      use_mmap: null,
    };
    for (const [name, value] of [...Object.entries(model.options), ...Object.entries(asked)]) {
      const type = TYPES[name];
      if (type === undefined || value === null) continue; // an unknown one is logged and ignored
      if (typeof value !== JS[type]) throw new Refusal(500, `option "${name}" must be of type ${type}`);
      options[name] = value;
    }
    return options as unknown as Options;
  }
}

/** The year 2318, which is how "for ever" looks. */
const FOR_EVER = Date.UTC(2318, 0);

function keyOf({ paths }: Model): string {
  return paths.join('\0');
}

function needsReload(runner: Runner, wanted: Options, automatic: boolean, { facts }: Model): boolean {
  const [had, wants] = [{ ...runner.options }, { ...wanted }];
  wants.num_ctx = Math.min(wants.num_ctx, facts.contextTrained || wants.num_ctx);
  if (runner.contextIsAutomatic && automatic) wants.num_ctx = had.num_ctx;
  // Nobody who leaves the number of layers open wants a reload for it: removing it needs an unload.
  if (wants.num_gpu < 0) had.num_gpu = wants.num_gpu;
  return (Object.keys(had) as (keyof Options)[]).some((name) => had[name] !== wants[name]);
}

function unloadable({ facts }: Model): string | null {
  return /^llam[^a]/.test(facts.architecture) ? `error loading model: unknown model architecture: '${facts.architecture}'` : null;
}
