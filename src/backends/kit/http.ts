import { Agent, request } from 'node:http';
import { ProblemError } from '../../domain/problem.ts';

export interface Call {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole answer, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** A longer answer is an error; default 4 MiB. */
  readonly maxBytes?: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Connections are not kept: llama-server closes them after a stream without saying so. */
const agent = new Agent({ keepAlive: false });

/**
 * One HTTP exchange, without redirects. Throws a ProblemError: `engine-refused` (nobody listens), `engine-timeout`,
 * `engine-garbled` (not HTTP, too long, cut off), `engine-unreachable` (anything else).
 */
export function call(url: string, options: Call): Promise<Answer> {
  return new Promise((done, fail) => {
    const body = options.body === undefined ? null : JSON.stringify(options.body);
    const headers = {
      accept: 'application/json',
      ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...options.headers,
    };
    const signals = [AbortSignal.timeout(Math.ceil(options.deadlineMs)), ...(options.signal ? [options.signal] : [])];
    const asked = request(url, { method: options.method ?? 'GET', headers, agent, signal: AbortSignal.any(signals) });
    const failWith = (error: unknown) => {
      asked.destroy();
      fail(error instanceof ProblemError ? error : callProblem(url, error, options));
    };
    asked.on('error', failWith);
    asked.on('response', (response) => {
      let size = 0;
      const chunks: Buffer[] = [];
      response.on('error', failWith);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > (options.maxBytes ?? 4 << 20)) failWith(garbled(url, `answered more than ${options.maxBytes ?? 4 << 20} bytes`));
      });
      response.on('end', () =>
        response.complete
          ? done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
          : failWith(garbled(url, 'cut its answer off')),
      );
    });
    asked.end(body ?? undefined);
  });
}

/** A call whose answer must be 200 with a JSON object. Throws as {@link call} does, and `engine-refused-request` for another status. */
export async function callJson(url: string, options: Call): Promise<Record<string, unknown>> {
  const answer = await call(url, options);
  if (answer.status !== 200) {
    throw new ProblemError({
      code: 'engine-refused-request',
      summary: `${url} answered with status ${answer.status}: ${shorten(answer.text)}`,
    });
  }
  return parseJson(url, answer.text) as Record<string, unknown>;
}

/** An object or array; anything else throws `engine-garbled`. */
export function parseJson(url: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object') return value;
  } catch {
    // told below
  }
  throw garbled(url, `did not answer with JSON but with ${JSON.stringify(shorten(text))}`);
}

/** An answer that is not what the protocol says; `what` follows the address: `did not answer with …`. */
export function garbled(url: string, what: string): ProblemError {
  return new ProblemError({
    code: 'engine-garbled',
    summary: `${url} ${what}.`,
    fix: 'Something else may listen on that port. Look at the log of the model.',
  });
}

function callProblem(url: string, error: unknown, options: Call): ProblemError {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return new ProblemError({ code: 'engine-refused', summary: `Nobody listens at ${url}.` }, error);
  if (options.signal?.aborted) return new ProblemError({ code: 'cancelled', summary: `Stopped while asking ${url}.` }, error);
  if (name === 'AbortError' || name === 'TimeoutError') {
    return new ProblemError({ code: 'engine-timeout', summary: `${url} did not answer within ${options.deadlineMs / 1000} s.` }, error);
  }
  if (code?.startsWith('HPE_')) return garbled(url, `did not answer in HTTP (${code})`);
  return new ProblemError({ code: 'engine-unreachable', summary: `${url} cannot be reached: ${code ?? message}.` }, error);
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
