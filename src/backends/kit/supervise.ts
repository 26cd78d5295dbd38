import type { Driver } from '../../domain/backend.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { ObservedInstance } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { problemOf, type Problem } from '../../domain/problem.ts';
import { countCrashes, RESTARTS, type RestartPolicy } from './backoff.ts';
import type { Clock } from './clock.ts';
import { TRANSIENT } from './engine.ts';
import { rotateLog } from './logs.ts';

/** What a supervisor tells. `waiting` says in how many milliseconds the next start comes. */
export type Watched =
  | { readonly type: 'waiting'; readonly instance: string; readonly problem: Problem; readonly inMs: number }
  | { readonly type: 'restarted'; readonly instance: string }
  | { readonly type: 'gave-up'; readonly instance: string; readonly problem: Problem };

export interface SuperviseOptions {
  /** What should run now. Asked each time: an apply may have changed it. One that was stopped on purpose is not started. */
  readonly specs: () => readonly InstanceSpec[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly report: (event: Watched) => void;
  readonly policy?: RestartPolicy;
  /** Pause between two rounds in milliseconds; default 1000. */
  readonly everyMs?: number;
}

/** Ends that another start may mend once the engine has served; the rest waits for a person. */
const MAY_PASS = new Set([...TRANSIENT, 'out-of-memory', 'machine-restarted', 'engine-left-processes']);

interface Watch {
  readonly crashes: ReturnType<typeof countCrashes>;
  /** When it was last seen to begin to run. */
  since: number;
  /** When the next start is due; null: none is. */
  dueAt: number | null;
  gaveUp: boolean;
}

/** Starts crashed instances again, with growing pauses and an end, and keeps logs short, until the signal is aborted. */
export async function supervise(driver: Driver, options: SuperviseOptions): Promise<void> {
  const round = createSupervisor(driver, options);
  while (!options.signal.aborted) {
    await round();
    await options.clock.sleep(options.everyMs ?? 1000, options.signal);
  }
}

/** One round of {@link supervise} for each call. */
export function createSupervisor(driver: Driver, options: SuperviseOptions): () => Promise<void> {
  const watches = new Map<string, Watch>();
  return async () => {
    const specs = options.specs();
    for (const id of watches.keys()) if (!specs.some((spec) => spec.id === id)) watches.delete(id);
    await Promise.all(specs.map((spec) => watchOne(spec, driver, options, watches)));
  };
}

async function watchOne(spec: InstanceSpec, driver: Driver, options: SuperviseOptions, watches: Map<string, Watch>): Promise<void> {
  const now = options.clock.now();
  const watch = watches.get(spec.id) ?? { crashes: countCrashes(options.policy ?? RESTARTS), since: now, dueAt: null, gaveUp: false };
  watches.set(spec.id, watch);
  const seen = await driver.look(spec.id, options.signal);
  if (seen?.phase !== 'failed') {
    if (watch.dueAt !== null || watch.gaveUp) Object.assign(watch, { since: now, dueAt: null, gaveUp: false });
    if (seen?.logFile) rotateLog(seen.logFile);
    return;
  }
  if (watch.gaveUp || options.signal.aborted) return;
  if (watch.dueAt === null) decide(spec, seen, watch, now, options);
  else if (now >= watch.dueAt) await restart(spec, driver, watch, options);
}

function decide(spec: InstanceSpec, seen: ObservedInstance, watch: Watch, now: number, options: SuperviseOptions): void {
  const problem = seen.problem ?? { severity: 'error', code: 'engine-ended', summary: `${spec.model} ended.` };
  const pause = MAY_PASS.has(problem.code) ? watch.crashes.next(now - watch.since) : null;
  watch.gaveUp = pause === null;
  watch.dueAt = pause === null ? null : now + pause;
  options.report(
    pause === null ? { type: 'gave-up', instance: spec.id, problem } : { type: 'waiting', instance: spec.id, problem, inMs: pause },
  );
}

async function restart(spec: InstanceSpec, driver: Driver, watch: Watch, options: SuperviseOptions): Promise<void> {
  Object.assign(watch, { since: options.clock.now(), dueAt: null });
  try {
    await driver.perform.start(startStep(spec), { signal: options.signal, progress: () => undefined });
    options.report({ type: 'restarted', instance: spec.id });
  } catch (error) {
    watch.gaveUp = true;
    options.report({ type: 'gave-up', instance: spec.id, problem: problemOf(error) });
  }
}

function startStep(spec: InstanceSpec): StepOf<'start'> {
  const { model, backend, id } = spec;
  return {
    id: `${model}.restart`,
    op: 'start',
    after: [],
    model,
    backend,
    instance: id,
    cause: 'it crashed',
    relies: [],
    leaves: [],
    deadlineMs: 60_000,
    spec,
  };
}
