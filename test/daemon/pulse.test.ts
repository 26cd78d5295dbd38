import { describe, expect, it } from 'vitest';
import { Pulse } from '../../src/daemon/pulse.ts';
import { Wake } from '../../src/daemon/wake.ts';

/** Time passes as it is slept; processes in `gone` have ended. */
function pulseOf(gone: Set<number>, onSleep: (ms: number) => void = () => undefined) {
  let now = 0;
  const clock = {
    wallMs: () => now,
    monotonicMs: () => now,
    sleep: async (ms: number) => {
      now += ms;
      onSleep(now);
    },
  };
  const pulse = new Pulse({ clock, isGone: (pid) => gone.has(pid) }, new Wake(clock));
  pulse.saw([
    { pid: 1, model: 'chat' },
    { pid: 2, model: 'embed' },
  ]);
  return { pulse, slept: () => now };
}

const signal = new AbortController().signal;

describe('A pulse', () => {
  it('rests its time where nothing ends', async () => {
    const { pulse, slept } = pulseOf(new Set());
    await pulse.rest(5000, signal);
    expect(slept()).toBe(5000);
  });

  it('ends its rest within a second where a process ends, once', async () => {
    const gone = new Set<number>();
    const { pulse, slept } = pulseOf(gone, (now) => now === 2000 && gone.add(1));
    await pulse.rest(60_000, signal);
    expect(slept()).toBe(2000);
    await pulse.rest(5000, signal);
    expect(slept()).toBe(7000);
  });

  it('is alarmed during a run by the end of a model that the run is not about', async () => {
    const gone = new Set<number>();
    const { pulse } = pulseOf(gone, (now) => now === 3000 && gone.add(2));
    expect(await pulse.alarm(new Set(['chat']), signal)).toBe(true);
  });

  it('is not alarmed by a process of another place, whose pid means nothing here', async () => {
    const ended = new AbortController();
    const { pulse } = pulseOf(new Set([2]), (now) => now === 9000 && ended.abort());
    expect(await pulse.alarm(new Set(['chat']), ended.signal)).toBe(false);
  });

  it('is not alarmed by the end of a copy that the run itself replaces', async () => {
    const ended = new AbortController();
    const gone = new Set([1]);
    const { pulse } = pulseOf(gone, (now) => now === 9000 && ended.abort());
    expect(await pulse.alarm(new Set(['chat']), ended.signal)).toBe(false);
  });
});
