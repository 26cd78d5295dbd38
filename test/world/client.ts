import { Agent, request } from 'node:http';
import { ProblemError } from '../../src/domain/problem.ts';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Kept open between calls and never in the way of the process's end; as many as steps may run at once. */
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** One call. Throws a ProblemError `world-unreachable` if no whole JSON answer came. */
export async function call(method: string, url: string, body: unknown, signal: AbortSignal): Promise<Reply> {
  try {
    const { status, text } = await exchange(method, url, body === null ? '' : JSON.stringify(body), signal);
    return { status, body: JSON.parse(text) as unknown };
  } catch (error) {
    if (signal.aborted) throw error;
    const why = error instanceof SyntaxError ? 'its answer is no JSON' : ((error as NodeJS.ErrnoException).code ?? String(error));
    throw new ProblemError(
      { code: 'world-unreachable', summary: `${method} ${url} failed: ${why}.`, fix: 'See that the world runs.' },
      error,
    );
  }
}

function exchange(method: string, url: string, body: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, signal, headers: { 'content-length': Buffer.byteLength(body) } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
