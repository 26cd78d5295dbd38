import type { StepResult } from '../domain/generation.ts';
import type { Step } from '../domain/plan.ts';
import { resultOf } from './result.ts';

export interface ExecuteOptions {
  readonly parallelism: number;
  readonly perBackend: number;
  /** Aborted: nothing begins any more but what `goesOn` says. */
  readonly signal: AbortSignal;
  /** True for steps that are seen through although the run was told to stop. */
  readonly goesOn: (step: Step) => boolean;
  /** What is put right, and told, because a step will not begin; null: nothing is. Never rejects. */
  readonly undo: (step: Step, result: StepResult) => Promise<StepResult> | null;
  /** Performs one step; never rejects. */
  readonly perform: (step: Step) => Promise<StepResult>;
  /** Hears of each step that will not be performed. */
  readonly skipped: (result: StepResult) => void;
}

/**
 * Walks the graph: a step begins when all that it waits for are done and a place is free; among those that could, the one
 * that stands first in the plan. A step that did not get done takes its dependents with it and nothing else.
 */
export async function execute(steps: readonly Step[], options: ExecuteOptions): Promise<readonly StepResult[]> {
  const walk = new Walk(steps, options);
  await walk.run();
  return steps.map((step) => walk.results.get(step.id) as StepResult);
}

class Walk {
  readonly results = new Map<string, StepResult>();
  private readonly steps: readonly Step[];
  private readonly options: ExecuteOptions;
  /** Positions of the steps that wait for a step, by its id. */
  private readonly dependents = new Map<string, number[]>();
  /** How many steps each step still waits for, by position. */
  private readonly waiting: number[];
  /** Positions of the steps that could begin, smallest first. */
  private ready: number[] = [];
  private readonly inFlight = new Set<number>();
  private finished: () => void = () => undefined;
  private readonly busy = new Map<string, number>();

  constructor(steps: readonly Step[], options: ExecuteOptions) {
    this.steps = steps;
    this.options = options;
    this.waiting = steps.map((step) => new Set(step.after).size);
    this.ready = [...steps.keys()].filter((at) => this.waiting[at] === 0);
    for (const step of steps) this.dependents.set(step.id, []);
    for (const [at, step] of steps.entries()) for (const id of new Set(step.after)) this.dependents.get(id)?.push(at);
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      this.finished = resolve;
      this.advance();
    });
  }

  private advance(): void {
    if (this.options.signal.aborted) this.cancelRest();
    for (let at = this.takeReady(); at !== null; at = this.takeReady()) void this.begin(at);
    if (this.inFlight.size === 0) this.finished();
  }

  /** The first step that could begin, if a place is free for it. */
  private takeReady(): number | null {
    if (this.inFlight.size >= this.options.parallelism) return null;
    const index = this.ready.findIndex((at) => this.busyOn(at) < this.options.perBackend);
    return index === -1 ? null : (this.ready.splice(index, 1)[0] ?? null);
  }

  private async begin(at: number): Promise<void> {
    const { backend } = this.at(at);
    this.inFlight.add(at);
    this.busy.set(backend, this.busyOn(at) + 1);
    const result = await this.options.perform(this.at(at));
    this.inFlight.delete(at);
    this.busy.set(backend, this.busyOn(at) - 1);
    this.settle(at, result);
    this.advance();
  }

  private settle(at: number, result: StepResult): void {
    this.results.set(result.step, result);
    if (result.status !== 'done') return this.drop(this.waitingFor(at), result);
    for (const next of this.waitingFor(at)) {
      const left = (this.waiting[next] ?? 0) - 1;
      this.waiting[next] = left;
      if (left === 0) this.insert(next);
    }
  }

  /** Settles steps that will not begin, and all that wait for them. A loop, because a chain may be thousands long. */
  private drop(first: readonly number[], cause: StepResult): void {
    const queue = first.map((at) => ({ at, cause }));
    for (const { at, cause: because } of queue) {
      const step = this.at(at);
      if (this.results.has(step.id)) continue;
      const result = notBegun(step, because);
      this.results.set(step.id, result);
      void this.tell(at, result);
      queue.push(...this.waitingFor(at).map((next) => ({ at: next, cause: result })));
    }
  }

  /** Tells of a step that will not begin, after what has to be put right for that. The run is not over before. */
  private async tell(at: number, result: StepResult): Promise<void> {
    const undoing = this.options.undo(this.at(at), result);
    if (undoing === null) return this.options.skipped(result);
    this.inFlight.add(at);
    const told = await undoing;
    this.inFlight.delete(at);
    this.results.set(told.step, told);
    this.options.skipped(told);
    this.advance();
  }

  private cancelRest(): void {
    const { goesOn } = this.options;
    this.ready = this.ready.filter((at) => goesOn(this.at(at)));
    const cancelled: [number, StepResult][] = [];
    for (const [at, step] of this.steps.entries()) {
      if (this.results.has(step.id) || this.inFlight.has(at) || goesOn(step)) continue;
      const result = resultOf(step, { status: 'cancelled', because: this.whyNotBegun(step) });
      this.results.set(step.id, result);
      void this.tell(at, result);
      cancelled.push([at, result]);
    }
    // What goes on may wait for what does not.
    for (const [at, result] of cancelled) this.drop(this.waitingFor(at), result);
  }

  /** What was started for it goes on running: whoever reads the end of the run must know of it. */
  private whyNotBegun(step: Step): string {
    const started = this.steps.find(
      ({ op, model, id }) => op === 'start' && model === step.model && this.results.get(id)?.status === 'done',
    );
    const left = started === undefined || step.op === 'start' ? '' : `; ${started.instance} runs, and the next apply goes on from there`;
    return `the run was told to stop before it began${left}`;
  }

  private insert(at: number): void {
    if (this.results.has(this.at(at).id)) return;
    const index = this.ready.findIndex((other) => other > at);
    this.ready.splice(index === -1 ? this.ready.length : index, 0, at);
  }

  private waitingFor(at: number): readonly number[] {
    return this.dependents.get(this.at(at).id) ?? [];
  }

  private busyOn(at: number): number {
    return this.busy.get(this.at(at).backend) ?? 0;
  }

  private at(at: number): Step {
    return this.steps[at] as Step;
  }
}

const WHY: Readonly<Record<StepResult['status'], string>> = {
  done: 'was done',
  failed: 'failed',
  skipped: 'was not begun',
  cancelled: 'was cancelled',
  interrupted: 'was cut off',
};

/** Of a cancelled step the dependents count as cancelled too: nothing went wrong with them. */
function notBegun(step: Step, cause: StepResult): StepResult {
  const status = cause.status === 'cancelled' ? 'cancelled' : 'skipped';
  return resultOf(step, { status, because: `${cause.step} ${WHY[cause.status]}` });
}
