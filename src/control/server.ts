import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { ProblemError } from '../domain/problem.ts';
import { controlPath } from './path.ts';

/** What a daemon answers. */
export interface ControlAnswers {
  /** A picture of what it is at. */
  status(): object;
  /** The newest events, oldest first. */
  events(limit: number): Promise<readonly object[]>;
  /** Hears every further event until the returned function is called. */
  onEvent(hear: (event: object) => void): () => void;
  /** Looks at the source, the holds and the engines now. Resolves when that has begun to have an effect. */
  nudge(): Promise<void>;
}

export interface ControlServer {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Answers on a socket that only this user may open (0600). Called by the one daemon of a stack, which holds its lock: a socket
 * that is there already belongs to one that died. HTTP, so that `curl --unix-socket` can be used too.
 */
export async function serveControl(stateDir: string, answers: ControlAnswers): Promise<ControlServer> {
  const path = controlPath(stateDir);
  await prepareFolder(dirname(path), stateDir);
  await rm(path, { force: true });
  const server = createServer((request, response) => void answer(request, response, answers).catch(() => response.destroy()));
  await listenPrivately(server, path);
  return {
    path,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

/** A folder in a place that all may write to must be ours alone, or somebody else could answer in our name. */
async function prepareFolder(folder: string, stateDir: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (folder === stateDir) return;
  const { uid, mode } = await lstat(folder);
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return;
  throw new ProblemError({
    code: 'control-folder',
    summary: `${folder} is to hold the control socket, and others may write to it.`,
    fix: `Remove it, or use a state folder with a shorter path (--state-dir).`,
  });
}

/** The mask makes it 0600 from its first moment on. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
  } finally {
    process.umask(mask);
  }
  await chmod(path, 0o600);
}

async function answer(request: IncomingMessage, response: ServerResponse, answers: ControlAnswers): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
  const asked = `${request.method ?? ''} ${pathname}`;
  if (asked === 'GET /v1/status') return json(response, 200, answers.status());
  if (asked === 'GET /v1/events') return events(response, answers, searchParams);
  if (asked === 'POST /v1/nudge') {
    await answers.nudge();
    return json(response, 200, answers.status());
  }
  json(response, 404, { error: 'Known: GET /v1/status, GET /v1/events?last=20&follow=1, POST /v1/nudge' });
}

/** NDJSON; with `follow` it goes on until the reader leaves. */
async function events(response: ServerResponse, answers: ControlAnswers, asked: URLSearchParams): Promise<void> {
  const missed: object[] = []; // what comes while the earlier ones are read
  let hear = (event: object): void => void missed.push(event);
  const stop = answers.onEvent((event) => hear(event));
  response.on('close', stop);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const write = (event: object): void => void response.write(`${JSON.stringify(event)}\n`);
  for (const event of await answers.events(limitOf(asked.get('last')))) write(event);
  for (const event of missed) write(event);
  hear = write;
  if (asked.get('follow') !== '1') response.end();
}

function limitOf(text: string | null): number {
  const number = Number(text ?? 20);
  return Number.isInteger(number) && number >= 0 ? Math.min(number, 100_000) : 20;
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}
