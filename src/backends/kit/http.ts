import { Agent, request as requestPlain, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import type { Readable } from 'node:stream';
import { ProblemError } from '../../domain/problem.ts';

export interface Call {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it comes, instead of `body`. */
  readonly upload?: { readonly stream: Readable; readonly bytes: number };
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole answer, in milliseconds; null: as long as `signal` lets it. */
  readonly deadlineMs: number | null;
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
const tlsAgent = new TlsAgent({ keepAlive: false });

/**
 * One HTTP exchange, without redirects. Throws a ProblemError: `engine-refused` (nobody listens), `engine-timeout`,
 * `engine-garbled` (not HTTP, too long, cut off), `engine-unreachable` (anything else), `cancelled`.
 */
export async function call(url: string, options: Call): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const status = await exchange(url, options, (chunk) => {
    size += chunk.length;
    chunks.push(chunk);
    refuseMoreThan(options, size, url, 'answered');
  });
  return { status, text: Buffer.concat(chunks).toString('utf8') };
}

/**
 * The same, line by line as they come: for answers that are streams. What `onLine` throws ends it. An answer with another
 * status than 200 is no stream: its text is returned. Else the text is empty.
 */
export async function callLines(url: string, options: Call, onLine: (line: string) => void): Promise<Answer> {
  const decoder = new TextDecoder();
  let rest = '';
  const status = await exchange(url, options, (chunk, now) => {
    rest += decoder.decode(chunk, { stream: true });
    if (now === 200) {
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') onLine(line);
    }
    refuseMoreThan(options, rest.length, url, 'sent a line of');
  });
  if (status !== 200) return { status, text: rest };
  if (rest.trim() !== '') onLine(rest);
  return { status, text: '' };
}

function refuseMoreThan({ maxBytes = 4 << 20 }: Call, size: number, url: string, what: string): void {
  if (size > maxBytes) throw garbled(url, `${what} more than ${maxBytes} bytes`);
}

/** One exchange, chunk by chunk. What `onChunk` throws ends it and is thrown as it is; everything else is a ProblemError. */
async function exchange(url: string, options: Call, onChunk: (chunk: Buffer, status: number) => void): Promise<number> {
  const late = options.deadlineMs === null ? null : AbortSignal.timeout(Math.ceil(options.deadlineMs));
  const thrown: unknown[] = [];
  try {
    const response = await send(url, options, [late, options.signal ?? null]);
    const status = response.statusCode ?? 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      try {
        onChunk(chunk, status);
      } catch (error) {
        thrown.push(error);
        throw error;
      }
    }
    return status;
  } catch (error) {
    throw thrown.length === 0 ? callProblem(url, error, options, late?.aborted === true) : thrown[0];
  }
}

/** Sends a request; resolves with the head of its answer. */
function send(url: string, options: Call, signals: readonly (AbortSignal | null)[]): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const { method, body, upload } = options;
    const text = body === undefined ? null : JSON.stringify(body);
    const length = upload?.bytes ?? (text === null ? null : Buffer.byteLength(text));
    const headers = {
      accept: 'application/json',
      ...(text === null ? {} : { 'content-type': 'application/json' }),
      ...(length === null ? {} : { 'content-length': String(length) }),
      ...options.headers,
    };
    const isTls = url.startsWith('https:');
    const asked = (isTls ? requestTls : requestPlain)(url, {
      method: method ?? 'GET',
      headers,
      agent: isTls ? tlsAgent : agent,
      signal: AbortSignal.any(signals.filter((signal) => signal !== null)),
    });
    asked.on('response', done);
    asked.on('error', fail);
    asked.on('close', () => upload?.stream.destroy());
    if (upload === undefined) return void asked.end(text ?? undefined);
    upload.stream.on('error', (error) => asked.destroy(error));
    upload.stream.pipe(asked);
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

function callProblem(url: string, error: unknown, options: Call, isLate: boolean): ProblemError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof ProblemError) return error;
  if (code === 'ECONNREFUSED') return new ProblemError({ code: 'engine-refused', summary: `Nobody listens at ${url}.` }, error);
  if (options.signal?.aborted) return new ProblemError({ code: 'cancelled', summary: `Stopped while asking ${url}.` }, error);
  if (isLate) {
    const summary = `${url} did not answer within ${(options.deadlineMs ?? 0) / 1000} s.`;
    return new ProblemError({ code: 'engine-timeout', summary }, error);
  }
  if (message === 'aborted') return garbled(url, 'cut its answer off');
  if (code?.startsWith('HPE_')) return garbled(url, `did not answer in HTTP (${code})`);
  return new ProblemError({ code: 'engine-unreachable', summary: `${url} cannot be reached: ${code ?? message}.` }, error);
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
