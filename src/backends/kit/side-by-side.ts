import type { SwapReason } from '../../domain/backend.ts';
import type { ModelSpec } from '../../domain/desired.ts';
import type { Fields } from '../../domain/fields.ts';

/** Two processes cannot listen on one port; null: no port is fixed, or the running copy has another. Of a copy that does not tell it is assumed to be this one. */
export function portShared({ options: { port } }: ModelSpec, running: Fields | null): SwapReason | null {
  if (typeof port !== 'number' || (running !== null && running['options.port'] !== port)) return null;
  return { because: `both would listen on port ${port}`, setting: { of: 'model', key: 'options.port' } };
}
