import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Identity } from './certificate.ts';
import { ENV } from './repositories.ts';

/** How a server treats who asks. */
export interface Manners {
  /** `user:password` that it wants. */
  readonly login?: string;
  /** `smart`: as `git http-backend` · `dumb`: files only · `silent`: takes the question and never answers · a number: that status · anything else: sends on to there. */
  readonly kind?: string;
  /** What proves who it is; it speaks HTTPS then. */
  readonly identity?: Identity;
  /** Told of every request, before it is answered. */
  readonly asked?: (request: IncomingMessage) => void;
}

/** A web server of the bare repositories in `root`, on this machine alone. Resolves to its address. */
export async function serve(root: string, { login, kind = 'smart', identity, asked }: Manners = {}): Promise<string> {
  const answering = (request: IncomingMessage, response: ServerResponse): void => {
    asked?.(request);
    const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="models"' }).end();
    } else if (kind === 'smart') backend(root, request, response);
    else if (kind === 'dumb') void file(root, request, response);
    else if (/^\d+$/.test(kind)) response.writeHead(Number(kind), { 'retry-after': '120' }).end();
    else if (kind !== 'silent') response.writeHead(302, { location: `${kind}${request.url}` }).end();
  };
  const server = identity ? createTlsServer({ ...identity }, answering) : createServer(answering);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `${identity ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Source: https://git-scm.com/docs/git-http-backend */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '', 'http://x');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...ENV,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.on('close', () => answer(Buffer.concat(parts), response));
}

function answer(said: Buffer, response: ServerResponse): void {
  const end = said.indexOf('\r\n\r\n');
  const headers = said
    .subarray(0, end)
    .toString()
    .split('\r\n')
    .map((line) => line.split(': ') as [string, string]);
  const status = headers.find(([name]) => name === 'Status')?.[1];
  response.writeHead(Number.parseInt(status ?? '200', 10), Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
  response.end(said.subarray(end + 4));
}

async function file(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '', 'http://x');
  try {
    response.end(await readFile(join(root, pathname)));
  } catch {
    response.writeHead(404).end();
  }
}
