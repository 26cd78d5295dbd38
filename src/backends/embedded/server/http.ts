import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, errorBody, HttpError } from './errors.ts';
import { isObject } from './request.ts';
import type { Body } from './request.ts';

/** Largest body in bytes: far above any prompt that fits a context, far below memory. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** A larger body is still taken in, and thrown away, up to here: a client that may not finish sending never sees the answer. */
const MAX_IGNORED_BYTES = 8 * MAX_BODY_BYTES;

/** Answers with JSON. Ends the connection after an error, as llama-server does: the rest of a refused body may still come. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...(status >= 400 ? { connection: 'close' } : {}),
  });
  response.end(text);
}

/** Answers with an error; inside a stream that has begun, as its last event. Says nothing to a client that left. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.end(`data: ${JSON.stringify(errorBody(error))}\n\n`);
    return;
  }
  sendJson(response, error instanceof HttpError ? error.status : 500, errorBody(error));
}

/** Reads a JSON object from the request. Throws an {@link HttpError}: 413 over the cap, 400 for anything else than an object. */
export async function readBody(request: IncomingMessage): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_IGNORED_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
    if (size > MAX_IGNORED_BYTES) throw tooLarge();
  }
  if (size > MAX_BODY_BYTES) throw tooLarge();
  const value = parse(Buffer.concat(chunks).toString('utf8'));
  if (!isObject(value)) throw badRequest('the body must be a JSON object');
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, and prompts belong in no log.
    throw badRequest('the body is not valid JSON');
  }
}

function tooLarge(): HttpError {
  return new HttpError(413, 'invalid_request_error', `the body is larger than ${MAX_BODY_BYTES} bytes`);
}

/** A stream of server-sent events. */
export interface EventStream {
  /** Resolves when the client can take more, or has left. */
  send(body: unknown): Promise<void>;
  done(): void;
}

/** Begins a stream of server-sent events. Source: the OpenAI API's streaming format, one JSON text per `data:` line. */
export function openStream(response: ServerResponse): EventStream {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' });
  return {
    async send(body) {
      if (response.destroyed || response.write(`data: ${JSON.stringify(body)}\n\n`)) return;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go).off('close', go);
          resolve();
        };
        response.once('drain', go).once('close', go);
      });
    },
    done: () => void response.end('data: [DONE]\n\n'),
  };
}
