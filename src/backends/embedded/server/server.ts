import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EmbeddedEngine } from './engine.ts';
import { HttpError } from './errors.ts';
import { sendError, sendJson } from './http.ts';
import { notFound, ROUTES } from './routes.ts';

/** What the server knows of the engine while it runs. */
export interface ServerState {
  /** null while the model loads: every route answers 503 then. */
  engine: EmbeddedEngine | null;
}

/** The HTTP front of one model. */
export interface Front {
  readonly server: Server;
  /** Takes no new connections, lets requests that have begun end, and resolves when the last connection is closed. */
  stop(): Promise<void>;
}

/** Longer than clients and proxies keep idle connections, so that they end them and never send into a closed one. */
const KEEP_ALIVE_MS = 75_000;

/** Creates the front; it answers from the moment it listens: 503 until `state.engine` is there. */
export function createFront(state: ServerState, log: (line: string) => void): Front {
  let stopping = false;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
  // Node's own closeIdleConnections passes over connections that never sent a request, and would wait for them.
  const idle = new Set<Socket>();
  server.on('connection', (socket) => {
    idle.add(socket);
    socket.on('close', () => idle.delete(socket));
  });
  server.on('request', (request, response) => {
    idle.delete(request.socket);
    if (stopping) response.setHeader('connection', 'close');
    response.on('close', () => (stopping ? request.socket.destroySoon() : idle.add(request.socket)));
    serve(state, request, response, log);
  });
  return {
    server,
    stop: () =>
      new Promise((resolve) => {
        stopping = true;
        server.close(() => resolve());
        for (const socket of idle) socket.destroy();
      }),
  };
}

/** What this machine calls itself, with or without a port. */
const LOOPBACK = String.raw`(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?`;
const FROM_HERE = new RegExp(`^https?://${LOOPBACK}$`, 'i');
const TO_HERE = new RegExp(`^${LOOPBACK}$`, 'i');

/**
 * Why a request is refused; null: it is not. A browser says in `Origin` which page a request comes from, and sends a plain POST of
 * any page without asking first: the page could not read the answer, and would still have the model at work. To read answers, a
 * page lets the name that it came from lead to 127.0.0.1 (DNS rebinding): then `Host` still says that name. Programs send no
 * Origin, and the address as Host.
 */
function whyRefused({ origin, host }: IncomingHttpHeaders): string | null {
  if (origin !== undefined && !FROM_HERE.test(origin)) return 'no web page from elsewhere: its Origin is not this machine';
  // HTTP/1.0 has none; browsers always send one.
  return host === undefined || TO_HERE.test(host)
    ? null
    : 'to no other name than localhost, 127.0.0.1 or [::1]: its Host is not this machine';
}

function serve(state: ServerState, request: IncomingMessage, response: ServerResponse, log: (line: string) => void): void {
  const started = performance.now();
  const method = request.method ?? 'GET';
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  let note = '';
  response.on('close', () => {
    // Health is asked for every few seconds; it would bury the rest.
    if (path === '/health') return;
    const status = response.writableFinished ? response.statusCode : 'client-left';
    log(`${method} ${path} ${status} ${Math.round(performance.now() - started)} ms${note === '' ? '' : ` ${note}`}`);
  });
  answer(state, method, path, request, response, (text) => (note = text)).catch((error: unknown) => {
    if (!(error instanceof HttpError) && !response.destroyed) log(`fault: ${method} ${path}: ${String(error)}`);
    sendError(response, error);
  });
}

async function answer(
  state: ServerState,
  method: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  note: (text: string) => void,
): Promise<void> {
  const refused = whyRefused(request.headers);
  if (refused !== null) throw new HttpError(403, 'permission_error', `This server answers ${refused}`);
  if (state.engine === null) throw new HttpError(503, 'unavailable_error', 'Loading model');
  if (method === 'GET' && (path === '/health' || path === '/v1/health')) return sendJson(response, 200, { status: 'ok' });
  const route = ROUTES[`${method} ${path}`];
  if (!route) throw notFound();
  const left = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) left.abort(new Error('the client left'));
  });
  await route({ engine: state.engine, request, response, signal: left.signal, note });
}
