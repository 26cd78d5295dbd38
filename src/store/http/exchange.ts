import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { MOST_REDIRECTS } from '../../domain/http.ts';
import { follow, tooManyRedirects, type Hop } from './redirect.ts';
import { beginGet, type Begun } from './route.ts';
import type { Sink } from './tap.ts';

/** What a request needs beside its address. */
export interface AskOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A connection that brings nothing for so long ends with a {@link Stalled}. Milliseconds. */
  readonly stallMs: number;
  /** For people. */
  readonly what: string;
}

/** Head of an answer, and the right to its body: exactly one of `pour` and `discard` must be called. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Who gave it, after all redirects. */
  readonly host: string;
  /** Gives the whole body to a sink. Resolves at its end; rejects if it is cut off, stalls, or is longer than it said. */
  pour(sink: Sink): Promise<void>;
  /** Ends the connection. */
  discard(): void;
}

/** Nothing came for too long. */
export class Stalled extends Error {}

/** Bytes of a body that node:http reads which may wait for the disk; see Tap for the others. */
const MOST_WAITING = 768 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * A GET, with its redirects. Rejects with the error of the connection, a {@link Stalled}, the reason of the signal, or a
 * ProblemError of a redirect that must not be followed.
 */
export async function ask(url: string, options: AskOptions): Promise<Answer> {
  let hop: Hop = { url: new URL(url), headers: { ...options.headers, 'accept-encoding': 'identity', 'user-agent': 'llmops' } };
  for (let redirects = 0; ; redirects += 1) {
    const answer = await one(hop, options);
    if (!REDIRECTS.has(answer.status)) return answer;
    answer.discard();
    if (redirects === MOST_REDIRECTS) throw tooManyRedirects(options.what, answer.host);
    hop = follow(hop, answer.headers.location, options.what);
  }
}

async function one(hop: Hop, options: AskOptions): Promise<Answer> {
  const stall = new AbortController();
  const begun = beginGet(hop.url, hop.headers, AbortSignal.any([options.signal, stall.signal]), options.env);
  const watch = watchFor(options.stallMs, () => stall.abort());
  const why = (error: unknown): unknown => {
    if (options.signal.aborted) return options.signal.reason;
    return stall.signal.aborted ? new Stalled() : error;
  };
  try {
    const response = await responseOf(begun);
    return answerOf(hop.url.host, begun, response, watch, why);
  } catch (error) {
    watch.stop();
    begun.request.destroy();
    throw why(error);
  }
}

function responseOf({ request }: Begun): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Stays for as long as the request lives: an error without a listener would end the process.
    request.on('error', reject);
    request.on('response', resolve);
    request.end();
  });
}

interface Watch {
  touch(): void;
  stop(): void;
}

/** Calls back once nothing was touched for a while. */
function watchFor(ms: number, late: () => void): Watch {
  let timer: NodeJS.Timeout | null = setTimeout(late, ms);
  return {
    touch: () => void timer?.refresh(),
    stop: () => {
      if (timer) clearTimeout(timer);
      timer = null; // one that was cleared would run again if it were refreshed
    },
  };
}

function answerOf(host: string, begun: Begun, response: IncomingMessage, watch: Watch, why: (error: unknown) => unknown): Answer {
  const { request, tap } = begun;
  response.on('error', () => undefined); // told by 'close', which comes after it
  const end = (): void => {
    watch.stop();
    request.destroy();
  };
  const length = lengthOf(response.headers);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    host,
    discard: end,
    pour: async (sink) => {
      watch.touch();
      const watched = watchedSink(sink, watch);
      try {
        if (tap && length !== null) await pourPast(begun, length, watched);
        else await pourThrough(tap, response, watched);
      } catch (error) {
        throw why(error);
      } finally {
        end();
      }
    },
  };
}

/** Waiting for the disk is no stall of the server: the watch begins anew with each byte that was written too. */
function watchedSink(sink: Sink, watch: Watch): Sink {
  return {
    take: (bytes, release) => {
      watch.touch();
      sink.take(bytes, () => {
        watch.touch();
        release();
      });
    },
  };
}

/** null: the end is told otherwise, so node:http has to find it. */
function lengthOf(headers: IncomingHttpHeaders): number | null {
  const length = headers['content-length'];
  return length === undefined || headers['transfer-encoding'] !== undefined ? null : Number(length);
}

/** The body goes past node:http, which then never sees its end. */
function pourPast(begun: Begun, length: number, sink: Sink): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = length;
    const outlet = {
      take: (bytes: Uint8Array, release: () => void): void => {
        const ours = bytes.length > left ? bytes.subarray(0, left) : bytes;
        left -= ours.length;
        if (ours.length > 0) sink.take(ours, release);
        if (left === 0) resolve();
      },
      end: (error: Error | null): void => reject(error ?? new Error('the connection was closed in the middle')),
    };
    if (left === 0) resolve();
    else if (!begun.tap?.divert(outlet)) reject(new Error('the answer ended before its body'));
  });
}

function pourThrough(tap: Begun['tap'], response: IncomingMessage, sink: Sink): Promise<void> {
  return new Promise((resolve, reject) => {
    let waiting = 0;
    response.on('data', (bytes: Buffer) => {
      waiting += bytes.length;
      if (waiting >= MOST_WAITING) response.pause();
      sink.take(bytes, () => {
        waiting -= bytes.length;
        if (waiting < MOST_WAITING) response.resume();
      });
    });
    response.on('close', () => (response.complete ? resolve() : reject(new Error('the connection was closed in the middle'))));
    tap?.pass();
  });
}
