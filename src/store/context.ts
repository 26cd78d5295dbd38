import type { Claims, Lanes } from './claims.ts';
import type { Layout } from './layout.ts';
import type { Tuning } from './types.ts';

/** What all parts of the store go by. */
export interface Context {
  readonly layout: Layout;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tuning: Tuning;
  readonly freeBytes: (dir: string) => Promise<number>;
  readonly claims: Claims;
  readonly lanes: Lanes;
}
