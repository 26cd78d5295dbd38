// One run of the store in a process of its own: `fetch` or `verify`. Tells what it took, without the start of Node.
import { openStore } from '../src/store/index.ts';
import type { RemoteFile } from '../src/domain/weights.ts';

/** What one run took. */
export interface Took {
  readonly ms: number;
  /** Of all threads, user and system. */
  readonly cpuSeconds: number;
  /** Largest resident size of the process, Node included. */
  readonly peakMiB: number;
}

const [what = '', dir = '', url = '', file = ''] = process.argv.slice(2);
const store = openStore({ dir, env: {}, tuning: { reserveBytes: 0 } });
const io = { signal: new AbortController().signal, progress: () => undefined };
const before = process.cpuUsage();
const started = performance.now();
if (what === 'verify') await store.verify(io);
else await store.fetch(JSON.parse(file) as RemoteFile, { url, headers: {}, what: 'the file' }, io);
const ms = performance.now() - started;
const { user, system } = process.cpuUsage(before);
const took: Took = { ms, cpuSeconds: (user + system) / 1e6, peakMiB: process.resourceUsage().maxRSS / 1024 };
process.stdout.write(JSON.stringify(took));
