import { ProblemError } from '../domain/problem.ts';
import type { Problem } from '../domain/problem.ts';
import type { Net } from './context.ts';

/** A failure that may be gone at the next attempt. What is left after the last attempt is this problem. */
export class TransientError extends ProblemError {
  /** How long the server wants to be left alone, in milliseconds; null: it does not say. */
  readonly afterMs: number | null;
  constructor(problem: Omit<Problem, 'severity'>, afterMs: number | null = null, cause?: unknown) {
    super(problem, cause);
    this.afterMs = afterMs;
  }
}

/** An address as people may see it: without user, password, query and fragment, any of which can hold a secret. */
export function shown(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

const MOST_SHOWN = 160;

/** What a server said, on one short line, without control characters and without what looks like a token. */
export function quoted(text: string): string {
  const line = text
    .replace(/[\s\x00-\x1f\x7f-\x9f]+/g, ' ')
    .replace(/\b(hf_|Bearer\s+|Basic\s+)[\w.~+/=-]+/gi, '$1***')
    .trim();
  return JSON.stringify(line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line);
}

/** An answer that is not what the protocol says; `what` follows the address: `answers with a web page`. */
export function garbled(url: string | URL, what: string): ProblemError {
  return new ProblemError({
    code: 'source-garbled',
    summary: `${shown(url)} ${what}. Nothing was changed.`,
    fix: 'Open the address in a browser: a proxy or a login page may stand in between.',
  });
}

/** The answer ended too early, or the connection did. */
export function cutOff(url: string | URL, cause?: unknown): TransientError {
  return new TransientError(
    {
      code: 'source-cut-off',
      summary: `${shown(url)} cut its answer off. Nothing was changed.`,
      fix: 'Run the same command again; if it happens again, look at the proxy or the server.',
    },
    null,
    cause,
  );
}

/** A person or a signal stopped us. */
export function cancelled(cause?: unknown): ProblemError {
  return new ProblemError({ code: 'cancelled', summary: 'Stopped while looking sources up. Nothing was changed.' }, cause);
}

const NO_NETWORK = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL']);
const TLS = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;
/** What OpenSSL says when the other side does not speak TLS at all. */
const NOT_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE|wrong version number|packet length too long/;

/** True if an error says that the other side speaks plain HTTP where HTTPS was expected. */
export function isNotTls(error: unknown): boolean {
  const { code = '', message = '' } = (error instanceof ProblemError ? (error.cause ?? {}) : error) as NodeJS.ErrnoException;
  return NOT_TLS.test(code) || NOT_TLS.test(message);
}

/** The problem behind an error of a connection. A ProblemError stays as it is. */
export function networkProblem(url: URL, error: unknown, net: Net): ProblemError {
  if (error instanceof ProblemError) return error;
  if (net.signal.aborted) return cancelled(error);
  const { code = '', name, message } = error as NodeJS.ErrnoException;
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ETIMEDOUT') return tooSlow(url, error);
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE') return cutOff(url, error);
  if (code.startsWith('HPE_')) return garbled(url, `does not answer in HTTP (${code})`);
  if (TLS.test(code)) return untrusted(url, code, error);
  return unreachable(url, code || message, error);
}

function tooSlow(url: URL, cause: unknown): TransientError {
  const summary = `${shown(url)} did not answer in time. Nothing was changed.`;
  return new TransientError({ code: 'source-timeout', summary, fix: 'Check the network, then run the same command again.' }, null, cause);
}

function untrusted(url: URL, code: string, cause: unknown): ProblemError {
  return new ProblemError(
    {
      code: 'source-tls',
      summary: `No encrypted connection to ${url.host} could be made (${code}). Nothing was sent and nothing was changed.`,
      fix: 'Check the address and the clock. If a proxy of yours signs with its own authority, set NODE_EXTRA_CA_CERTS to the file of its certificate.',
    },
    cause,
  );
}

function unreachable(url: URL, code: string, cause: unknown): ProblemError {
  const why =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'its name is not known (DNS)'
      : code === 'ECONNREFUSED'
        ? 'nothing listens there'
        : NO_NETWORK.has(code)
          ? 'there is no way to it from here'
          : code;
  const problem = {
    code: 'source-unreachable',
    summary: `${url.host} cannot be reached: ${why}. Nothing was changed.`,
    fix: 'Check the network and the address. Behind a proxy, set HTTPS_PROXY.',
  };
  return code === 'EAI_AGAIN' ? new TransientError(problem, null, cause) : new ProblemError(problem, cause);
}
