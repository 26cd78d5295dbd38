import type { Driver } from '../domain/backend.ts';
import type { BackendSpec } from '../domain/desired.ts';
import type { ObservedBackend } from '../domain/observed.ts';
import { ProblemError, problemOf } from '../domain/problem.ts';

export interface ObserveOptions {
  readonly signal: AbortSignal;
  /** How long one backend may take, in milliseconds. One that takes longer counts as unreachable, and holds up no other. */
  readonly deadlineMs: number;
}

/**
 * Asks every backend side by side. A backend that fails, hangs or throws becomes `unreachable` with the reason; it is
 * never taken for empty. The result is in the order of `specs`.
 */
export async function observeAll(
  drivers: Readonly<Record<string, Driver>>,
  specs: readonly BackendSpec[],
  options: ObserveOptions,
): Promise<readonly ObservedBackend[]> {
  const connected = specs.filter((spec) => drivers[spec.name] !== undefined);
  return Promise.all(connected.map((spec) => observeOne(drivers[spec.name] as Driver, spec, options)));
}

async function observeOne(driver: Driver, spec: BackendSpec, options: ObserveOptions): Promise<ObservedBackend> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), options.deadlineMs);
  const signal = AbortSignal.any([options.signal, late.signal]);
  try {
    return await Promise.race([driver.observe(signal), rejectOnAbort(signal, spec, options.deadlineMs)]);
  } catch (error) {
    options.signal.throwIfAborted(); // nobody waits any more: that says nothing of this backend
    return { status: 'unreachable', name: spec.name, type: spec.type, problem: problemOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

function rejectOnAbort(signal: AbortSignal, spec: BackendSpec, deadlineMs: number): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () =>
      reject(
        new ProblemError({
          code: 'backend-timeout',
          summary: `Backend ${spec.name} (${spec.type}) did not tell its state within ${deadlineMs / 1000} s.`,
          fix: 'See that its engine answers, then run the command again. Nothing was changed.',
        }),
      );
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
