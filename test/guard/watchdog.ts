import { setTimeout as pause } from 'node:timers/promises';
import { systemProcesses } from '../../src/backends/kit/process-table.ts';
import { RUN } from './run.ts';

const run = process.argv[2];
/** A process that is about to be ended may have started another one. */
const QUIET_LOOKS = 3;
const EVERY_MS = 50;

process.stdin.resume();
process.stdin.once('end', () => void sweep());
process.stdin.once('error', () => void sweep());

/** Ends everything that carries the mark of the run, until nothing does. */
async function sweep(): Promise<void> {
  const table = systemProcesses();
  const ended = new Set<number>();
  for (let quiet = 0; quiet < QUIET_LOOKS; quiet += 1) {
    const marked = (await table.list()).filter((entry) => entry.pid !== process.pid && entry.env()[RUN] === run);
    for (const { pid } of marked) {
      ended.add(pid);
      kill(pid);
    }
    if (marked.length > 0) quiet = -1;
    await pause(EVERY_MS);
  }
  if (ended.size > 0) process.stderr.write(`The tests are over; of what they had started, ${ended.size} more had to be ended.\n`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}
