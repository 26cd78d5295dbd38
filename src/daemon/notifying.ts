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

interface Parts {
  /** As the newest release declares them. */
  readonly hooks: () => readonly NotifySpec[];
  readonly surroundings: SecretSurroundings;
  /** Hears of what could not be sent. */
  readonly log: (problem: Problem) => void;
}

/** A release may declare others: what waits for the earlier ones is then given up. */
export function notifying({ hooks, surroundings, log }: Parts): Notifying {
  let [notifier, known]: [Notifier | null, string] = [null, ''];
  const current = (): Notifier => {
    const now = hooks();
    const text = canonicalJson(now as unknown as Json);
    if (notifier !== null && text === known) return notifier;
    notifier?.close();
    known = text;
    return (notifier = openNotifier({ hooks: now, resolveSecret: (reference) => secretOf(reference, surroundings), log }));
  };
  return {
    tell: (event) => current().tell(event),
    close: async (ms) => {
      await notifier?.flush(ms);
      notifier?.close();
    },
  };
}

function secretOf(reference: SecretReference, surroundings: SecretSurroundings): Promise<string> {
  const use = { what: 'address of a webhook', setting: 'daemon.notify' };
  return readSecret(reference as Reference, use, surroundings, new AbortController().signal);
}
