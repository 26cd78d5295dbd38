import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { ProblemError } from '../domain/problem.ts';
import { controlPath, realPath } from './path.ts';

/** What a daemon answers. */
export interface ControlAnswers {
  /** A picture of what it is at. */
  status(): object;
  /** The newest release, as it was read; null: there is none yet. */
  release(): object | null;
  /** The newest events, oldest first. */
  events(limit: number): Promise<readonly object[]>;
  /** Hears every further event until the returned function is called. */
  onEvent(hear: (event: object) => void): () => void;
  /** Looks at the source, the holds and the engines now. Resolves when that has begun to have an effect. */
  nudge(): Promise<void>;
}

/** Who follows the events and does not read is cut off after this, in milliseconds. */
const LAST_WORDS_MS = 1000;
/** Bytes that may wait for a follower; one that reads so little is cut off. The log on disk has it all. */
const MOST_WAITING = 16 * 1024 ** 2;

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
  await removeStale(path);
  const following = new Set<ServerResponse>();
  const server = createServer(
    (request, response) => void answer(request, response, { answers, following }).catch(() => response.destroy()),
  );
  await listenPrivately(server, path);
  return {
    path,
    close: async () => {
      const timer = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
      const closed = new Promise((resolve) => server.close(resolve));
      for (const response of following) response.end();
      await closed;
      clearTimeout(timer);
      await rm(path, { force: true });
    },
  };
}

async function removeStale(path: string): Promise<void> {
  const there = await lstat(path).catch(() => null);
  if (there?.isDirectory()) {
    throw new ProblemError({
      code: 'control-folder',
      summary: `${path} is a folder, and the control socket is to be there.`,
      fix: 'Move it away, then start llmops up again.',
    });
  }
  await rm(path, { force: true });
}

/** A folder in a place that all may write to must be ours alone, or somebody else could answer in our name. */
async function prepareFolder(folder: string, stateDir: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (folder === realPath(stateDir)) return;
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
      server.on('error', () => undefined); // of one connection, later: the others go on
    });
  } finally {
    process.umask(mask);
  }
  await chmod(path, 0o600);
}

interface Answering {
  readonly answers: ControlAnswers;
  /** Those who are told every further event. */
  readonly following: Set<ServerResponse>;
}

async function answer(request: IncomingMessage, response: ServerResponse, { answers, following }: Answering): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
  const asked = `${request.method ?? ''} ${pathname}`;
  if (asked === 'GET /v1/status') return json(response, 200, answers.status());
  if (asked === 'GET /v1/release') return json(response, 200, answers.release());
  if (asked === 'GET /v1/events') return events(response, { answers, following }, searchParams);
  if (asked === 'POST /v1/nudge') {
    await answers.nudge();
    return json(response, 200, answers.status());
  }
  json(response, 404, { error: 'Known: GET /v1/status, GET /v1/release, GET /v1/events?last=20&follow=1, POST /v1/nudge' });
}

/** NDJSON; with `follow` it goes on until the reader leaves. */
async function events(response: ServerResponse, { answers, following }: Answering, asked: URLSearchParams): Promise<void> {
  const missed: object[] = []; // what comes while the earlier ones are read
  let hear = (event: object): void => void missed.push(event);
  const stop = answers.onEvent((event) => hear(event));
  response.on('close', stop);
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const write = (line: string): void => {
    if (response.writableLength > MOST_WAITING) response.destroy();
    else response.write(`${line}\n`);
  };
  const read = (await answers.events(limitOf(asked.get('last')))).map((event) => JSON.stringify(event));
  const known = new Set(read); // what came while they were read may be among them
  for (const line of [...read, ...missed.map((event) => JSON.stringify(event)).filter((one) => !known.has(one))]) write(line);
  hear = (event) => write(JSON.stringify(event));
  if (asked.get('follow') !== '1') return void response.end();
  if (!response.destroyed) following.add(response.on('close', () => following.delete(response)));
}

function limitOf(text: string | null): number {
  const number = Number(text ?? 20);
  return Number.isInteger(number) && number >= 0 ? Math.min(number, 100_000) : 20;
}

function json(response: ServerResponse, status: number, value: object | null): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}
