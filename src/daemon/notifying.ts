import { canonicalJson } from '../domain/canonical.ts';
import type { NotifySpec, SecretReference } from '../domain/daemon.ts';
import type { DaemonEvent } from '../domain/daemon-event.ts';
import type { Json } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';
import { openNotifier, type Notifier } from '../notify/index.ts';
import { readSecret, type SecretSurroundings } from '../secrets/index.ts';
import type { Reference } from '../secrets/reference.ts';

/** Sends events to the webhooks that are declared now. */
export interface Notifying {
  tell(event: DaemonEvent): void;
  /** Ends; what waits still is sent if that takes no longer than this, in milliseconds. */
  close(ms: number): Promise<void>;
}

/** Webhooks that are declared no longer hear what was told to them before within this, in milliseconds. */
const LEAVE_MS = 60_000;

interface Parts {
  /** Those that count now. */
  readonly hooks: () => readonly NotifySpec[];
  readonly surroundings: SecretSurroundings;
  /** Hears of what could not be sent. */
  readonly log: (problem: Problem) => void;
}

/** Others may count from a release on. What waits for the earlier ones is theirs still, for a while: it may say why they were changed. */
export function notifying({ hooks, surroundings, log }: Parts): Notifying {
  let [notifier, known]: [Notifier | null, string] = [null, ''];
  const leaving = new Set<Notifier>();
  const leave = async (one: Notifier): Promise<void> => {
    leaving.add(one);
    await one.flush(LEAVE_MS);
    one.close();
    leaving.delete(one);
  };
  const current = (): Notifier => {
    const now = hooks();
    const text = canonicalJson(now as unknown as Json);
    if (notifier !== null && text === known) return notifier;
    if (notifier !== null) void leave(notifier);
    known = text;
    return (notifier = openNotifier({ hooks: now, resolveSecret: (reference) => secretOf(reference, surroundings), log }));
  };
  return {
    tell: (event) => current().tell(event),
    close: async (ms) => {
      const all = [...leaving, ...(notifier === null ? [] : [notifier])];
      await Promise.all(all.map((one) => one.flush(ms)));
      for (const one of all) one.close();
    },
  };
}

function secretOf(reference: SecretReference, surroundings: SecretSurroundings): Promise<string> {
  const use = { what: 'address of a webhook', setting: 'daemon.notify' };
  return readSecret(reference as Reference, use, surroundings, new AbortController().signal);
}
