import type { DaemonSpec } from '../domain/daemon.ts';
import type { Telling } from './types.ts';

/** What a daemon reads once, when it begins: where it follows from, and where it listens. */
const ONCE = ['git', 'webhook'] as const;

/** Which keys of `daemon:` read otherwise now than when it began, and count only with a new start. */
export function outdated(begun: DaemonSpec | null, now: DaemonSpec | null): readonly string[] {
  return ONCE.filter((key) => JSON.stringify(begun?.[key] ?? null) !== JSON.stringify(now?.[key] ?? null)).map((key) => `daemon.${key}`);
}

export function tellOutdated(keys: readonly string[]): Telling {
  const [was, count] = keys.length === 1 ? ['was', 'counts'] : ['were', 'count'];
  return {
    type: 'daemon.outdated',
    keys,
    message: `${keys.join(' and ')} ${was} edited since llmops up began, and ${count} when it is started anew.`,
  };
}
