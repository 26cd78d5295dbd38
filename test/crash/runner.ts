// One run in a process of its own, which kills itself at the n-th crash point: no handler runs, no file is closed.
import { acquireLease, openState } from '../../src/state/index.ts';
import type { StackTold } from '../world/stack.ts';
import { applyOnce } from './once.ts';

/** What the process is told, as JSON in its first argument. */
export interface RunnerTold {
  readonly dir: string;
  readonly url: string;
  readonly told: StackTold;
  /** Counted from 1; 0: never. */
  readonly dieAt: number;
}

const { dir, url, told, dieAt } = JSON.parse(process.argv[2] ?? '') as RunnerTold;
let passed = 0;
const point = (): void => {
  passed += 1;
  if (passed === dieAt) process.kill(process.pid, 'SIGKILL');
};
const state = await openState(dir);
const lease = await acquireLease(dir, { command: 'runner', waitMs: 0 });
const { result } = await applyOnce({ told, url, state, lease, point });
lease.release();
process.stdout.write(`${JSON.stringify({ outcome: result.outcome, points: passed })}\n`);
