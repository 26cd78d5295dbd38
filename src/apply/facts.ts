import { setTimeout as pause } from 'node:timers/promises';
import type { Driver } from '../domain/backend.ts';
import type { ObservedInstance } from '../domain/observed.ts';
import type { Fact, Step } from '../domain/plan.ts';
import { ProblemError } from '../domain/problem.ts';

/** What was seen of the instances that a step's facts name. */
export type Seen = ReadonlyMap<string, ObservedInstance | null>;

type Drivers = Readonly<Record<string, Driver>>;

/** How often a read-back that does not hold yet is repeated, in milliseconds. */
const LOOK_AGAIN_MS = 50;

/** Looks again at what the step relies on. Throws a ProblemError `plan-stale` naming the fact, what was expected and what was seen. */
export async function checkRelies(step: Step, drivers: Drivers, signal: AbortSignal): Promise<Seen> {
  const seen = new Map<string, ObservedInstance | null>();
  for (const fact of step.relies) {
    const instance = await driverOf(drivers, fact.backend).look(fact.instance, signal);
    if (!holds(fact, instance)) throw stale(step, fact, instance);
    seen.set(fact.instance, instance);
  }
  return seen;
}

/** Reads back what the step did; an engine may take `patienceMs` to show it. Throws a ProblemError `not-in-force` if it does not. */
export async function checkLeaves(step: Step, drivers: Drivers, signal: AbortSignal, patienceMs: number): Promise<void> {
  const until = performance.now() + patienceMs;
  for (const fact of step.leaves) {
    for (;;) {
      const instance = await driverOf(drivers, fact.backend).look(fact.instance, signal);
      if (holds(fact, instance)) break;
      if (performance.now() >= until || signal.aborted) throw notInForce(step, fact, instance);
      await pause(LOOK_AGAIN_MS);
    }
  }
}

/** The driver of a backend; a ProblemError if there is none. */
export function driverOf(drivers: Drivers, backend: string): Driver {
  const driver = drivers[backend];
  if (driver) return driver;
  throw new ProblemError({
    code: 'no-driver',
    summary: `There is no connection to backend ${backend}. Nothing was changed there.`,
    fix: 'Declare it in llmops.yaml again, then plan again.',
  });
}

function holds(fact: Fact, instance: ObservedInstance | null): boolean {
  if (instance === null) return fact.is !== 'same' && fact.is !== 'serving';
  if (fact.is === 'absent' || instance.owner !== 'ours') return false;
  const same = fact.specHash === null || instance.specHash === fact.specHash;
  return same && (fact.is !== 'serving' || instance.phase === 'serving');
}

const EXPECTED: Readonly<Record<Fact['is'], string>> = {
  'absent-or-same': 'not there, or there with spec',
  'same-or-absent': 'there with spec, or gone already',
  same: 'there with spec',
  serving: 'serving with spec',
  absent: 'not there',
};

function expectedOf(fact: Fact): string {
  return fact.is === 'absent'
    ? EXPECTED.absent
    : EXPECTED[fact.is].replace('spec', fact.specHash === null ? 'any spec' : `spec ${fact.specHash}`);
}

function seenOf(instance: ObservedInstance | null): string {
  if (instance === null) return 'not there';
  const owner = instance.owner === 'ours' ? '' : ', started by somebody else';
  const why = instance.problem ? ` (${instance.problem.summary})` : '';
  return `${instance.phase} with ${instance.specHash === null ? 'no spec of ours' : `spec ${instance.specHash}`}${owner}${why}`;
}

function stale(step: Step, fact: Fact, seen: ObservedInstance | null): ProblemError {
  return new ProblemError({
    code: 'plan-stale',
    summary: `The world is not as planned: ${fact.instance} on ${fact.backend} is ${seenOf(seen)}. Step ${step.id} did not begin; what it would have changed was left as it was.`,
    expected: expectedOf(fact),
    fix: 'Plan again: llmops plan',
  });
}

function notInForce(step: Step, fact: Fact, seen: ObservedInstance | null): ProblemError {
  return new ProblemError({
    code: 'not-in-force',
    summary: `${fact.backend} said that ${step.id} was done, but ${fact.instance} is ${seenOf(seen)}. Nothing that waits for it was begun.`,
    expected: expectedOf(fact),
    fix: `See what the engine says: llmops logs ${step.model}. Then plan again.`,
  });
}
