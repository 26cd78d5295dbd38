import { request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Answer, NotifyClock, Post } from './types.ts';

/** POST over HTTP. Its connections keep no process alive: whoever ends the daemon does not wait for a webhook. */
export const postByHttp: Post = (url, headers, body, signal) =>
  new Promise<Answer>((resolve, reject) => {
    const request: ClientRequest = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      // A connection for each event: they are rare, and a kept one would often be found closed.
      agent: false,
      signal,
    });
    request.on('socket', (socket) => socket.unref());
    request.on('error', reject);
    request.on('response', (response) => {
      resolve(answerOf(response));
      response.destroy(); // what it says beside its status could repeat the address
    });
    request.end(body);
  });

function answerOf({ statusCode, headers }: IncomingMessage): Answer {
  return { status: statusCode ?? 0, retryAfter: headers['retry-after'], location: headers.location };
}

/** The clock of this machine. */
export const systemClock: NotifyClock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  pause: (ms, signal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms).unref();
      signal.addEventListener('abort', end, { once: true });
    }),
};
