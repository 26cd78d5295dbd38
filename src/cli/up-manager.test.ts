import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServiceManager } from '../daemon/service/notify.ts';
import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { keepTold } from './up-manager.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How often the watchdog is fed within so many minutes in which the daemon is at this. */
async function fed(phase: DaemonPicture['phase'], minutes: number): Promise<number> {
  let pings = 0;
  const say = async (): Promise<void> => undefined;
  const manager: ServiceManager = { watchdog: 30_000, ready: say, status: say, stopping: say, ping: async () => void (pings += 1) };
  const picture = { follows: 'llmops.yaml', newest: null, conditions: [], phase, stalled: [], suspended: {}, trouble: null } as unknown;
  const stop = keepTold(manager, () => picture as DaemonPicture);
  await vi.advanceTimersByTimeAsync(minutes * 60_000);
  stop();
  return pings;
}

describe('The watchdog of a service manager', () => {
  it('is fed while the daemon goes on, however long an apply takes', async () => {
    expect(await fed('idle', 60)).toBe(120);
    expect(await fed('applying', 60)).toBe(120);
  });

  it('is not any longer once a look hangs', async () => {
    expect(await fed('looking', 60)).toBeLessThan(11);
  });
});
