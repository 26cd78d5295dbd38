import type { ProcessEngine } from './engine.ts';
import { call, parseJson } from './http.ts';
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
      const { status, text } = await call(`${endpoint}/slots`, { headers, signal, deadlineMs: askMs });
      const slots: unknown = status === 200 ? parseJson(`${endpoint}/slots`, text) : null;
      return { fields: {}, activeRequests: Array.isArray(slots) ? slots.filter(isBusy).length : null };
    },
    explain: () => ({ severity: 'error', code: 'engine-ended', summary: `It ran on ${type} and ended.` }),
  };
}

function isBusy(slot: unknown): boolean {
  return typeof slot === 'object' && slot !== null && (slot as { readonly is_processing?: unknown }).is_processing === true;
}
