import type { ProcessEngine } from './engine.ts';
import { call, parseJson } from './http.ts';
import { tasksIn } from './slots.ts';
import type { Marker } from './marker.ts';
import type { Parts } from './parts.ts';

/**
 * The engine that an instance of ours runs on: this backend's, or another one if the backend's `type` was changed since it
 * was started. Of that one only what every engine of this kit says alike is understood; enough to drain and to stop it.
 */
export function engineOf({ type }: Pick<Marker, 'type'>, { engine, askMs }: Pick<Parts, 'engine' | 'askMs'>): ProcessEngine {
  if (type === engine.type) return engine;
  return {
    type,
    detect: (signal) => engine.detect(signal),
    command() {
      throw new Error(`an instance of ${type} is never started by ${engine.type}`);
    },
    configured: () => ({}),
    async loaded({ endpoint, headers }, signal) {
      return { fields: {}, activeRequests: tasksIn(await slotsAt(endpoint, headers, signal))?.length ?? null };
    },
    async requests({ endpoint, headers }, signal) {
      const working = tasksIn(await slotsAt(endpoint, headers, signal));
      return working && { working, waiting: 0 };
    },
    explain: () => ({ severity: 'error', code: 'engine-ended', summary: `It ran on ${type} and ended.` }),
  };

  async function slotsAt(endpoint: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    const { status, text } = await call(`${endpoint}/slots`, { headers, signal, deadlineMs: askMs });
    return status === 200 ? parseJson(`${endpoint}/slots`, text) : null;
  }
}
