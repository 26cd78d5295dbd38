// Runs as a worker thread: hashes a file that grows, as far as it is told to. See follow.ts.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { CHANGES, HASHED, LENGTH, OVER, type FollowData } from './shared.ts';

/** Large enough that calls cost nothing, small enough for the processor's second cache. */
const CHUNK_BYTES = 256 * 1024;

const { path, memory } = workerData as FollowData;
const cells = new BigInt64Array(memory);
const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
const hash = createHash('sha256');
const file = openSync(path, 'r');
let done = 0;

for (;;) {
  const changes = Atomics.load(cells, CHANGES);
  const over = Atomics.load(cells, OVER) !== 0n;
  const length = Number(Atomics.load(cells, LENGTH));
  if (done >= length) {
    if (over) break;
    Atomics.wait(cells, CHANGES, changes);
    continue;
  }
  const read = readSync(file, buffer, 0, Math.min(CHUNK_BYTES, length - done), done);
  if (read === 0) throw Object.assign(new Error(`${path} is shorter than it was`), { code: 'ESHORT' });
  hash.update(buffer.subarray(0, read));
  done += read;
  Atomics.store(cells, HASHED, BigInt(done));
}
closeSync(file);
parentPort?.postMessage(hash.digest('hex'), []);
