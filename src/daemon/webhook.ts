import { createServer, type Server } from 'node:http';
import { ProblemError } from '../domain/problem.ts';

export interface WebhookServer {
  close(): Promise<void>;
}

/** Nobody needs longer to say that something was pushed. Milliseconds. */
const PATIENCE_MS = 10_000;
const MOST_CONNECTIONS = 64;
/** Looks that are asked for here begin this far apart: whoever reaches the port must not make this machine flood the git server. Milliseconds. */
const SPACE_MS = 2000;

/**
 * Takes what a git server calls after a push. Whatever is in it is neither read nor believed: it makes the daemon look at its
 * source, and nothing else, so that it needs no secret. `listen`: `127.0.0.1:8401`. Throws a ProblemError `webhook-address`.
 */
export async function serveWebhook(listen: string, pushed: () => void): Promise<WebhookServer> {
  const looks = spaced(pushed);
  const server = createServer({ headersTimeout: PATIENCE_MS, requestTimeout: PATIENCE_MS }, (request, response) => {
    request.resume();
    const isPush = request.method === 'POST';
    if (isPush) looks.ask();
    response.writeHead(isPush ? 202 : 405, { connection: 'close', 'content-type': 'text/plain' });
    response.end(isPush ? 'The daemon looks.\n' : 'POST here after a push.\n');
  });
  server.maxConnections = MOST_CONNECTIONS;
  await bind(server, listen);
  return {
    close: async () => {
      looks.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first is at once; of those that come too soon after one, all together get one more when it is time, so that no push is missed. */
function spaced(act: () => void): { readonly ask: () => void; readonly end: () => void } {
  let [nextAt, timer]: [number, NodeJS.Timeout | undefined] = [-Infinity, undefined];
  const now = (): void => {
    timer = undefined;
    nextAt = performance.now() + SPACE_MS;
    act();
  };
  const ask = (): void => {
    const wait = nextAt - performance.now();
    if (wait <= 0 && timer === undefined) now();
    else timer ??= setTimeout(now, wait);
  };
  return { ask, end: () => clearTimeout(timer) };
}

function bind(server: Server, listen: string): Promise<void> {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(refused(listen, error)));
    server.listen(Number(listen.slice(at + 1)), host, () => resolve());
  });
}

function refused(listen: string, error: NodeJS.ErrnoException): ProblemError {
  const why = { EADDRINUSE: 'something else listens there', EACCES: 'this user may not listen there' }[error.code ?? ''] ?? error.message;
  return new ProblemError(
    {
      code: 'webhook-address',
      summary: `The webhook cannot be offered at ${listen}: ${why}.`,
      fix: 'Choose another address: daemon.webhook.listen',
    },
    error,
  );
}
