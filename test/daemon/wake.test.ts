import { describe, expect, it } from 'vitest';
import { Wake } from '../../src/daemon/wake.ts';

/** Sleeps until its signal is aborted, and no longer. */
function sleeper() {
  const asked: number[] = [];
  const sleep = (ms: number, signal: AbortSignal): Promise<void> => {
    asked.push(ms);
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  };
  return { asked, wake: new Wake({ sleep }) };
}

describe('The loop sleeps', () => {
  it('until somebody pokes', async () => {
    const { wake, asked } = sleeper();
    const slept = wake.wait(5000, new AbortController().signal);
    wake.poke();
    await slept;
    expect([asked, wake.isPoked]).toEqual([[5000], true]);
  });

  it('not at all if somebody poked before, until that is forgotten', async () => {
    const { wake } = sleeper();
    wake.poke();
    await wake.wait(5000, new AbortController().signal);
    wake.clear();
    expect(wake.isPoked).toBe(false);
  });

  it('no longer than until it is told to end', async () => {
    const { wake } = sleeper();
    const stop = new AbortController();
    const slept = wake.wait(5000, stop.signal);
    stop.abort();
    await slept;
    expect(wake.isPoked).toBe(false);
  });
});
