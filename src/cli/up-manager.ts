import type { ServiceManager } from '../daemon/service/notify.ts';
import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { daemonSentence } from '../render/status/daemon.ts';

/** How soon a service manager hears of what changed, in milliseconds. */
const SOON_MS = 1000;
/** A look has deadlines of its own. One that takes as long hangs, on a disk say, and the manager may start the daemon anew. Milliseconds. */
const HUNG_MS = 5 * 60_000;

/** From now on the service manager knows that the daemon is ready, that it lives, and what it is at. Gives what ends that. */
export function keepTold(manager: ServiceManager, picture: () => DaemonPicture): () => void {
  let last = `It follows ${picture().follows}.`;
  void manager.ready(last);
  let movedAt = performance.now();
  const ping = () => {
    if (performance.now() - movedAt < HUNG_MS) void manager.ping();
  };
  const pings = manager.watchdog === null ? undefined : setInterval(ping, manager.watchdog);
  const news = setInterval(() => {
    const now = picture();
    if (now.phase !== 'looking') movedAt = performance.now();
    const text = daemonSentence(now);
    // What it is told when the daemon ends is the last word.
    if (text !== last && now.phase !== 'stopping') void manager.status((last = text));
  }, SOON_MS);
  return () => [pings, news].forEach(clearInterval);
}
