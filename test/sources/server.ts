import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** A server of a test on 127.0.0.1; it is closed when the test ends. */
export interface Server {
  readonly host: string;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Requests, oldest first. */
  readonly seen: readonly http.IncomingMessage[];
  /** Bytes handed to the network so far, on all connections. */
  sent(): number;
}

/** Starts a server; `tls`: its key and certificate. */
export async function serve(handler: Handler, tls?: https.ServerOptions): Promise<Server> {
  const seen: http.IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const listener: Handler = (request, response) => {
    seen.push(request);
    handler(request, response);
  };
  const server = tls === undefined ? http.createServer(listener) : https.createServer(tls, listener);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    seen,
    sent: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
  };
}

/** Answers with bytes as servers of files do: whole, or the range that was asked for. */
export function sendFile(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  bytes: Buffer,
  headers: http.OutgoingHttpHeaders = {},
): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) {
    response.writeHead(200, { 'content-length': bytes.length, 'accept-ranges': 'bytes', ...headers });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  if (Number(from) >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const part = bytes.subarray(Number(from), to === '' ? undefined : Number(to) + 1);
  const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-length': part.length, 'content-range': range, ...headers });
  response.end(part);
}

/** Answers with JSON. */
export function sendJson(response: http.ServerResponse, status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}
