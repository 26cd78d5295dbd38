import { ProblemError, problemOf, type Problem } from '../../domain/problem.ts';
import { call } from './http.ts';

/** What an instance's `/health` tells. `refused`: nobody listens on the port. */
export type Health =
  | { readonly is: 'serving' }
  | { readonly is: 'starting' }
  | { readonly is: 'refused' | 'unknown'; readonly problem: Problem };

/** Asks `/health`: 200 serves, 503 loads, everything else is not known. Never throws. */
export async function askHealth(
  endpoint: string,
  headers: Readonly<Record<string, string>>,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Health> {
  try {
    const answer = await call(`${endpoint}/health`, { headers, deadlineMs, signal, maxBytes: 64 << 10 });
    if (answer.status === 503) return { is: 'starting' };
    if (answer.status === 200 && isOk(answer.text)) return { is: 'serving' };
    throw new ProblemError({
      code: 'engine-garbled',
      summary: `${endpoint}/health answered with status ${answer.status} and not as this engine does.`,
      fix: 'Something else may listen on that port. Look at the log of the model.',
    });
  } catch (error) {
    const problem = problemOf(error);
    return { is: problem.code === 'engine-refused' ? 'refused' : 'unknown', problem };
  }
}

function isOk(text: string): boolean {
  try {
    return (JSON.parse(text) as { status?: unknown } | null)?.status === 'ok';
  } catch {
    return false;
  }
}
