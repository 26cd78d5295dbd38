import type { Step, StepOf } from '../domain/plan.ts';

/** Where clients of a model were sent before they were sent away. */
export interface Left {
  readonly instance: string;
  readonly backend: string;
  /** Of the copy, as the plan saw it; null: not known. */
  readonly specHash: string | null;
}

/**
 * Models on their way from one state to the next: clients were sent away, or a copy was ended, and what is to serve them is
 * not there yet. Whoever tells the run to stop does not mean to leave a model there: its steps go on, or clients are sent
 * back while the old copy still serves.
 */
export class Underway {
  /** Steps that stand after the first withdrawal or stop of their model, with no publishing before that. */
  readonly #between = new Set<string>();
  readonly #own: ReadonlyMap<string, readonly Step[]>;
  readonly #left = new Set<string>();
  readonly #stopping = new Set<string>();
  readonly #done = new Set<string>();

  constructor(steps: readonly Step[]) {
    this.#own = Map.groupBy(steps, ({ model }) => model);
    for (const own of this.#own.values()) {
      const first = own.findIndex(({ op }) => op === 'withdraw' || op === 'stop' || op === 'publish');
      if (own[first]?.op === 'publish') continue;
      for (const { id } of first === -1 ? [] : own.slice(first + 1)) this.#between.add(id);
    }
  }

  /** Called before a step does anything. */
  begins({ op, model }: Step): void {
    if (op === 'withdraw' || op === 'stop') this.#left.add(model);
    if (op === 'stop') this.#stopping.add(model);
  }

  /** Called when a step has done all that it is to do. */
  isDone({ id }: Step): void {
    this.#done.add(id);
  }

  /** True: it is performed although the run was told to stop. */
  goesOn({ id, model }: Step): boolean {
    return this.#between.has(id) && this.#left.has(model);
  }

  /** True: a wait that may be cut short. Of a model underway that is the drain before its first stop, as the old copy still serves. */
  mayAbandon(step: Step): boolean {
    return !this.goesOn(step) || (step.op === 'drain' && !this.#stopping.has(step.model));
  }

  /** True if every copy of the model that was to make room for this step is gone. */
  hasRoom(step: Step): boolean {
    const own = this.#own.get(step.model) ?? [];
    const stops = own.slice(0, own.indexOf(step)).filter(({ op }) => op === 'stop');
    return stops.length > 0 && stops.every(({ id }) => this.#done.has(id));
  }

  /** Whom clients of the model were sent to before they were sent away; null: they were not. */
  leftOf({ model, id }: Step): Left | null {
    const own = this.#own.get(model) ?? [];
    const withdraw = own.find(({ op }) => op === 'withdraw');
    if (withdraw === undefined || !this.#between.has(id) || !this.#done.has(withdraw.id)) return null;
    const { instance } = withdraw;
    const stop = own.find((step): step is StepOf<'stop'> => step.op === 'stop' && step.instance === instance);
    return stop === undefined ? null : { instance, backend: stop.backend, specHash: stop.specHash };
  }
}
