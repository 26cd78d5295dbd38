import { ProblemError } from '../../domain/problem.ts';

/** Time as an argument, so that tests need not wait for it. Milliseconds. */
export interface Clock {
  /** Never goes back; says nothing about the date. */
  now(): number;
  /** Resolves after that time, or as soon as the signal is aborted: look at the signal afterwards. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((done) => {
      if (signal?.aborted) return done();
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        done();
      };
      const timer = setTimeout(finish, ms);
      signal?.addEventListener('abort', finish, { once: true });
    }),
};

/** Throws the ProblemError `cancelled` once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal, what: string): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof ProblemError) throw signal.reason;
  throw new ProblemError({
    code: 'cancelled',
    summary: `Stopped while ${what}.`,
    fix: 'Run the same command again: it goes on from what is there.',
  });
}
