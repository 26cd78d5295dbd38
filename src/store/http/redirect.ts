import { MOST_REDIRECTS, mayRedirect } from '../../domain/http.ts';
import { ProblemError } from '../../domain/problem.ts';

/** Headers that may go anywhere; all others were meant for the first host. */
const HARMLESS = new Set(['accept', 'accept-encoding', 'user-agent', 'range', 'if-range']);

/** Where a request goes next, and with what. */
export interface Hop {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The request that a redirect leads to. Headers that may hold a secret stay behind when host, port or protocol change, and
 * a connection that was encrypted stays so. Throws a ProblemError `download-bad-redirect`.
 */
export function follow(from: Hop, location: string | undefined, what: string): Hop {
  const host = from.url.host;
  if (location === undefined || !URL.canParse(location, from.url.href)) throw badRedirect(what, `${host} redirects to no usable address`);
  const url = new URL(location, from.url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw badRedirect(what, `${host} redirects to ${url.protocol}`);
  if (!mayRedirect(from.url, url)) {
    throw badRedirect(what, `${host} redirects to ${url.host} without encryption (http:)`);
  }
  return { url, headers: url.origin === from.url.origin ? from.headers : harmless(from.headers) };
}

/** The problem of too many. */
export function tooManyRedirects(what: string, host: string): ProblemError {
  return badRedirect(what, `${host} redirects for more than ${MOST_REDIRECTS} times`);
}

function harmless(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name.toLowerCase())));
}

function badRedirect(what: string, reason: string): ProblemError {
  return new ProblemError({
    code: 'download-bad-redirect',
    summary: `${what} could not be fetched: ${reason}. What was fetched before is kept.`,
    fix: 'Check the address of the source, and whether a proxy or a login page stands in between.',
  });
}
