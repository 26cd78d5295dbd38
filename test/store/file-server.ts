import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { RemoteFile } from '../../src/domain/weights.ts';

/** One request that arrived, and what became of it. */
export interface Arrived {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** First byte of the range that was asked for; null: the whole file. */
  readonly from: number | null;
  /** Bytes of the body that were handed to the network. */
  sent: number;
}

/** How a request is answered; `n` counts them from 0. */
export type Behaviour = (exchange: Exchange) => void | Promise<void>;

export interface Exchange {
  readonly n: number;
  readonly arrived: Arrived;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly content: Buffer;
}

export interface FileServer {
  readonly url: string;
  readonly port: number;
  readonly arrived: readonly Arrived[];
  /** How many were answered at the same moment, at most. */
  readonly mostAtOnce: () => number;
  close(): Promise<void>;
}

/** A web server with one file, that behaves as a test says. */
export async function startFileServer(content: Buffer, behave: Behaviour = serve(), tls: ServerOptions | null = null): Promise<FileServer> {
  const arrived: Arrived[] = [];
  let [now, most] = [0, 0];
  const listener: RequestListener = (request, response) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    const one: Arrived = { url: request.url ?? '', headers: request.headers, from: range === undefined ? null : Number(range), sent: 0 };
    arrived.push(one);
    now += 1;
    most = Math.max(most, now);
    response.on('close', () => (now -= 1));
    response.on('error', () => undefined);
    void Promise.resolve(behave({ n: arrived.length - 1, arrived: one, request, response, content })).catch((error: unknown) =>
      request.socket.destroy(error as Error),
    );
  };
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/file.gguf`,
    port,
    arrived,
    mostAtOnce: () => most,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Serving {
  readonly ranges?: boolean;
  readonly etag?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of the body after which the connection is cut. */
  readonly cutAfter?: number;
  /** Bytes of the body after which nothing more comes. */
  readonly stallAfter?: number;
  /** Pieces of the body, each sent when the one before has left, with a pause of `pauseMs` between. */
  readonly pieceBytes?: number;
  readonly pauseMs?: number;
  /** The length is not told; the end of the connection or of the last chunk is the end of the file. */
  readonly chunked?: boolean;
}

/** An honest server of files, as far as its options let it. */
export function serve(options: Serving = {}): Behaviour {
  return async ({ arrived, response, content, request }) => {
    const vouched = request.headers['if-range'] === undefined || request.headers['if-range'] === options.etag;
    const ranges = (options.ranges ?? true) && vouched && arrived.from !== null;
    const from = ranges ? (arrived.from ?? 0) : 0;
    if (ranges && from >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    response.writeHead(ranges ? 206 : 200, {
      ...(options.chunked ? {} : { 'content-length': String(content.length - from) }),
      ...(ranges ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
      ...(options.etag === undefined ? {} : { etag: options.etag }),
      ...options.headers,
    });
    await sendBody(response, arrived, content.subarray(from), options);
  };
}

async function sendBody(response: ServerResponse, arrived: Arrived, body: Buffer, options: Serving): Promise<void> {
  const end = Math.min(body.length, options.cutAfter ?? Infinity, options.stallAfter ?? Infinity);
  const piece = options.pieceBytes ?? Math.max(1, end);
  for (let at = 0; at < end && !response.destroyed; at += piece) {
    const bytes = body.subarray(at, Math.min(at + piece, end));
    await new Promise<void>((resolve) => response.write(bytes, () => resolve()));
    arrived.sent += bytes.length;
    if (options.pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.pauseMs));
  }
  response.flushHeaders();
  if (options.cutAfter !== undefined && end === options.cutAfter) response.socket?.end(() => response.socket?.destroy());
  else if (options.stallAfter === undefined) response.end();
}

/** Answers with a status and no file. */
export function answer(status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Behaviour {
  return ({ response }) => void response.writeHead(status, headers).end(body);
}

/** One behaviour for each request in turn; the last one for all that follow. */
export function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
  return (exchange) => behaviours[Math.min(exchange.n, behaviours.length - 1)]?.(exchange);
}

/** Bytes that look like chance, the same for the same seed. */
export function seededBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2_654_435_761 || 1;
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 255;
  }
  return bytes;
}

export function fileOf(content: Buffer, path = 'file.gguf'): RemoteFile {
  return { path, bytes: content.length, sha256: sha256(content) };
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
