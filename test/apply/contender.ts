// One of many processes that want the same lease. Tells what came of it, and holds until its standard input ends.
import { acquireLease } from '../../src/state/index.ts';
import { ProblemError } from '../../src/domain/problem.ts';

const [dir = '', waitMs = '0'] = process.argv.slice(2);
try {
  const lease = await acquireLease(dir, { command: 'llmops apply', waitMs: Number(waitMs) });
  process.stdout.write(`${JSON.stringify({ won: true, pid: process.pid, token: lease.token })}\n`);
  process.stdin.on('end', () => {
    lease.release();
    process.exit(0);
  });
  process.stdin.resume();
} catch (error) {
  if (!(error instanceof ProblemError)) throw error;
  process.stdout.write(`${JSON.stringify({ won: false, pid: process.pid, problem: error.problem })}\n`);
}
