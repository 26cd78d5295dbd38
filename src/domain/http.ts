/** Rules of HTTP that every client here keeps alike. */

/** Most redirects that one request follows. */
export const MOST_REDIRECTS = 5;

/**
 * True for `localhost` and this machine's own addresses, with or without a port: what is sent there never meets a network
 * (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3). Not for `x.localhost`: a resolver may ask others for it.
 */
export function isLoopback(host: string): boolean {
  return /^(?:(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?|::1)$/i.test(host);
}

/** True if a redirect may lead there: what began encrypted stays so, and plain HTTP leads to the same host or this machine only. */
export function mayRedirect(from: URL, to: URL): boolean {
  if (to.protocol === 'https:') return true;
  return to.protocol === 'http:' && from.protocol === 'http:' && (to.hostname === from.hostname || isLoopback(to.hostname));
}

/** Milliseconds of a Retry-After header: seconds, or a date (RFC 9110, 10.2.3). null: none, or none that can be understood. */
export function retryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'does not accept connections',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  ETIMEDOUT: 'does not answer',
  ENOTFOUND: 'has no address that can be found',
  EAI_AGAIN: 'has no address that can be found now',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
};

/** What the code of a failed connection means, to finish the sentence "HOST …"; null: it is none of those that people meet. */
export function connectionReason(code: string | undefined): string | null {
  return (code === undefined ? undefined : REASONS[code]) ?? null;
}
