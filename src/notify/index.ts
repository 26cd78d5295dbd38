import { randomUUID } from 'node:crypto';
import type { DaemonEvent } from '../domain/daemon-event.ts';
import { serialize } from './body.ts';
import { Hook, type Shared } from './hook.ts';
import { postByHttp, systemClock } from './post.ts';
import type { Notifier, NotifierOptions } from './types.ts';

export type { Notifier, NotifierOptions, NotifyClock } from './types.ts';

/**
 * Opens a notifier: each hook gets the events that it wants in their order, one at a time, each at most once as far as its
 * answers can be trusted (the id of an event is the same in all tries). Memory is bounded: a receiver that fails holds up
 * nobody else, and loses the oldest of what waits for it.
 */
export function openNotifier(options: NotifierOptions): Notifier {
  const end = new AbortController();
  const shared: Shared = {
    resolveSecret: options.resolveSecret,
    log: options.log,
    clock: options.clock ?? systemClock,
    post: options.post ?? postByHttp,
    deadlineMs: options.deadlineMs ?? 10_000,
    userAgent: options.version === undefined ? 'llmops' : `llmops/${options.version}`,
    random: options.random ?? Math.random,
    signal: end.signal,
  };
  const hooks = options.hooks.map((spec, index) => new Hook(spec, `daemon.notify.${index}`, shared));
  return {
    tell: (event) => tellAll(hooks, event, end.signal),
    flush: (ms) => atMost(ms, Promise.all(hooks.map((hook) => hook.idle()))),
    close() {
      end.abort();
      for (const hook of hooks) hook.clear();
    },
  };
}

function tellAll(hooks: readonly Hook[], event: DaemonEvent, { aborted }: AbortSignal): void {
  if (aborted || hooks.length === 0) return;
  try {
    const [id, text] = [randomUUID(), serialize(event)];
    for (const hook of hooks) hook.tell(event, id, text);
  } catch {
    // An event that cannot be written as JSON is a bug of its maker, and no reason to end what it tells of.
  }
}

/** Not unreferenced: the process is to live as long as this is waited for. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
