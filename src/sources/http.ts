import * as http from 'node:http';
import * as https from 'node:https';
import { MOST_REDIRECTS, mayRedirect } from '../domain/http.ts';
import { lettingIn } from '../domain/login.ts';
import type { Handling, Login } from '../domain/login.ts';
import { ProblemError } from '../domain/problem.ts';
import type { Net } from './context.ts';
import { garbled, networkProblem, shown } from './failures.ts';

/** One answer whose body is not read yet. Whoever has it reads it to its end or closes it. */
export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Where it came from, after redirects. */
  readonly url: URL;
  readonly body: http.IncomingMessage;
  close(): void;
}

type Headers = Readonly<Record<string, string>>;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const HANDLING: Handling<Reply> = {
  refusal: ({ status, headers, url }) => ({ status, headers, host: url.host }),
  discard: (reply) => reply.close(),
};

/** Asks, and again where a login has an answer to a refusal. Redirects are followed. Throws a ProblemError: `source-*` or `cancelled`. */
export async function ask(address: string, headers: Headers, net: Net, login?: Login): Promise<Reply> {
  return await lettingIn(login, (more) => askOnce(address, { ...headers, ...more }, net), HANDLING, net.signal);
}

/**
 * Asks once, following redirects: another host gets no `authorization`, nothing that began encrypted goes on in plain text,
 * and plain text leads to the same host or to this machine only. The answer's bytes are as the server sent them, never compressed. Throws a ProblemError: `source-*` or `cancelled`.
 */
async function askOnce(address: string, headers: Headers, net: Net): Promise<Reply> {
  const signal = AbortSignal.any([net.signal, AbortSignal.timeout(net.limits.answerMs)]);
  let url = new URL(address);
  let sent: Headers = { 'user-agent': 'llmops', 'accept-encoding': 'identity', ...headers };
  for (let hop = 0; hop <= MOST_REDIRECTS; hop += 1) {
    const reply = await exchange(url, sent, net, signal);
    const { location } = reply.headers;
    if (!REDIRECTS.has(reply.status) || location === undefined) return checked(reply);
    reply.close();
    const next = follow(url, location);
    if (next.host !== url.host || next.protocol !== url.protocol) sent = withoutAuthorization(sent);
    url = next;
  }
  throw redirectProblem(url, `sends us round more than ${MOST_REDIRECTS} times`);
}

/** Compressed bytes have another length and another digest than the file. */
function checked(reply: Reply): Reply {
  const encoding = reply.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return reply;
  reply.close();
  throw garbled(reply.url, `compresses its answer (${encoding}), although it was asked not to`);
}

function follow(from: URL, location: string): URL {
  const next = URL.parse(location, from.href);
  if (next === null || !/^https?:$/.test(next.protocol)) throw redirectProblem(from, 'sends us to an address that is none');
  if (!mayRedirect(from, next)) throw redirectProblem(from, `sends us to ${next.host} without encryption, which is refused`);
  return next;
}

function withoutAuthorization(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

function redirectProblem(url: URL, what: string): ProblemError {
  return new ProblemError({
    code: 'source-redirect',
    summary: `${shown(url)} ${what}. Nothing was changed.`,
    fix: 'Check the address. If it is right, whoever runs the server has to mend the redirect.',
  });
}

/** One request and the head of its answer. */
function exchange(url: URL, headers: Headers, net: Net, signal: AbortSignal): Promise<Reply> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((done, fail) => {
    const failed = (error: unknown): void => fail(networkProblem(url, error, net));
    const asked = request(url, { headers, signal, timeout: net.limits.idleMs, ...proxied(url, net.env) });
    asked.on('timeout', () => asked.destroy(Object.assign(new Error('silent for too long'), { code: 'ETIMEDOUT' })));
    asked.on('error', failed);
    asked.on('response', (body) => {
      body.on('error', failed);
      done({ status: body.statusCode ?? 0, headers: body.headers, url, body, close: () => asked.destroy() });
    });
    asked.end();
  });
}

/** Through the proxy that HTTPS_PROXY or HTTP_PROXY (and NO_PROXY) name: Node's own support, which it has from 24.5 on. */
function proxied(url: URL, env: Net['env']): http.RequestOptions {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  if (!env[name] && !env[name.toUpperCase()]) return {};
  return { agent: url.protocol === 'https:' ? new https.Agent({ proxyEnv: env }) : new http.Agent({ proxyEnv: env }) };
}
