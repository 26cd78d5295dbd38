import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { EmbeddedEngine } from './engine.ts';
import { HttpError } from './errors.ts';
import { sendError, sendJson } from './http.ts';
import { notFound, ROUTES } from './routes.ts';

/** What the server is told from outside while it runs. */
export interface ServerState {
  /** null while the model loads: every route answers 503 then. */
  engine: EmbeddedEngine | null;
  /** True once it was asked to end: connections are not kept after their answer. */
  stopping: boolean;
}

/** The HTTP front. Answers from the moment it listens: 503 until `state.engine` is there. */
export function createHttpServer(state: ServerState, log: (line: string) => void): Server {
  const server = createServer((request, response) => {
    const started = performance.now();
    const method = request.method ?? 'GET';
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    let note = '';
    if (state.stopping) response.setHeader('connection', 'close');
    response.on('close', () => {
      // The server ends when its last connection does, and this one may have been promised to live on.
      if (state.stopping) setImmediate(() => server.closeIdleConnections());
      // Health is asked for every few seconds; it would bury the rest.
      if (path === '/health') return;
      const status = response.writableFinished ? response.statusCode : 'client-left';
      log(`${method} ${path} ${status} ${Math.round(performance.now() - started)} ms${note === '' ? '' : ` ${note}`}`);
    });
    answer(state, method, path, request, response, (text) => (note = text)).catch((error: unknown) => {
      if (!(error instanceof HttpError) && !response.destroyed) log(`fault: ${method} ${path}: ${String(error)}`);
      sendError(response, error);
    });
  });
  return server;
}

async function answer(
  state: ServerState,
  method: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  note: (text: string) => void,
): Promise<void> {
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
