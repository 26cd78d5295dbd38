import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openNotifier, type Notifier, type NotifierOptions, type NotifyClock } from '../../src/notify/index.ts';
import type { NotifySpec } from '../../src/domain/daemon.ts';
import type { DaemonEvent } from '../../src/domain/daemon-event.ts';
import type { Problem } from '../../src/domain/problem.ts';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly received: Received[];
}

/** How a receiver answers its nth request, counted from 0. */
export type Behaviour = (response: ServerResponse, nth: number, path: string) => void;

const fine: Behaviour = (response) => void response.writeHead(200).end('ok');

/** A real server on this machine that keeps what it was sent. */
export async function receiver(behave: Behaviour = fine, path = '/hook'): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Received['body'];
      received.push({ path: request.url ?? '', headers: request.headers, body });
      behave(response, received.length - 1, request.url ?? '');
    });
    request.on('error', () => undefined);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    });
  return { url: `http://${host}${path}`, host, received, [Symbol.asyncDispose]: close };
}

/** A clock whose pauses take no time and are kept. */
export interface QuickClock extends NotifyClock {
  readonly pauses: number[];
  pass(ms: number): void;
}

export function quickClock(): QuickClock {
  let now = 0;
  const pauses: number[] = [];
  return {
    pauses,
    now: () => 1_000_000 + now,
    monotonicMs: () => now,
    pass: (ms) => void (now += ms),
    pause: (ms) => {
      pauses.push(ms);
      now += ms;
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** A notifier with one hook, and all that it logs. */
export function notifier(
  hook: Partial<NotifySpec> & Pick<NotifySpec, 'url'>,
  more: Partial<NotifierOptions> = {},
): { readonly notifier: Notifier; readonly problems: Problem[]; readonly clock: QuickClock } {
  const problems: Problem[] = [];
  const clock = quickClock();
  const made = openNotifier({
    hooks: [{ format: 'json', on: ['*'], minIntervalMs: 300_000, ...hook }],
    resolveSecret: () => Promise.reject(new Error('nobody is asked')),
    log: (problem) => void problems.push(problem),
    clock,
    random: () => 0,
    version: '1.2.3',
    ...more,
  });
  return { notifier: made, problems, clock };
}

const HEAD = { at: '2026-01-01T00:00:00.000Z', stack: 'home' } as const;

/** An event that is unlike any with another number. */
export function event(number: number, message = `event ${number}`): DaemonEvent {
  return { ...HEAD, type: 'model.crashed', model: `m${number}`, why: 'it ended', inMs: 250, times: 1, message };
}

export function unavailable(source = 'origin'): DaemonEvent {
  return { ...HEAD, type: 'source.unavailable', source, why: 'no route', message: `${source} cannot be reached.` };
}

export function available(source = 'origin'): DaemonEvent {
  return { ...HEAD, type: 'source.available', source, message: `${source} can be reached again.` };
}

export function finished(outcome: 'succeeded' | 'failed', generation = 1): DaemonEvent {
  const what = { outcome, generation, revision: 'a'.repeat(64), commit: null, trigger: 'revision', ms: 10 };
  return { ...HEAD, type: 'run.finished', ...what, message: `Generation ${generation}: ${outcome}.` };
}
