import type { Problem } from '../../domain/problem.ts';

/** The server writes one line `TIME error: WHAT: WHY` before it gives up. */
const ERROR_LINE = /^\S+ error: (.+)$/gm;

/** Why the server ended, from the last lines of its log. `exitCode` null: it was ended by a signal. Pure. */
export function explainEnd(logTail: string, exitCode: number | null): Problem {
  const said = [...logTail.matchAll(ERROR_LINE)].at(-1)?.[1] ?? null;
  const problem = (code: string, summary: string, fix: string): Problem => ({ severity: 'error', code, summary, fix });
  if (said === null && (exitCode === null || exitCode === 137)) {
    return problem(
      'engine-killed',
      'The embedded engine was killed, most likely because memory ran out.',
      'Free memory, or lower `context` or `parallel`.',
    );
  }
  if (said === null)
    return problem(
      'engine-ended',
      `The embedded engine ended with exit code ${exitCode ?? 'none'} and gave no reason.`,
      'Look at its log: llmops logs.',
    );
  if (said.includes('EADDRINUSE'))
    return problem(
      'port-taken',
      `The embedded engine could not take its port: ${said}.`,
      'Choose another `options.port`, or leave it out.',
    );
  if (/insufficient|not enough|too large|failed to (?:create|allocate)/i.test(said)) {
    return problem(
      'out-of-memory',
      `The embedded engine did not get the memory that it needs: ${said}.`,
      'Free memory, or lower `context` or `parallel`.',
    );
  }
  if (said.includes('loading error'))
    return problem(
      'weights-unreadable',
      `The embedded engine could not load the weights: ${said}.`,
      'Check the file in `source`: is it complete, and does this engine know its architecture?',
    );
  return problem('engine-ended', `The embedded engine ended: ${said}.`, 'Look at its log: llmops logs.');
}
