import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, isIP, type OnReadOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Tap } from './tap.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A request that was begun, and the tap on its connection; null: through a proxy, where node:http reads all. */
export interface Begun {
  readonly request: ClientRequest;
  readonly tap: Tap | null;
}

/**
 * Begins a GET. Goes through the proxy that HTTPS_PROXY or HTTP_PROXY (and NO_PROXY) name: Node's own support for that,
 * which it has from 24.5 on; older ones go straight. Each request has a connection of its own: a download is long, and a
 * connection that was kept may be dead.
 */
export function beginGet(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal, env: Env): Begun {
  const secure = url.protocol === 'https:';
  const options: RequestOptions = { headers, signal, defaultPort: secure ? 443 : 80 };
  if (proxyFor(secure, env)) {
    const agent = secure ? new HttpsAgent({ proxyEnv: env }) : new HttpAgent({ proxyEnv: env });
    return { request: (secure ? httpsRequest : httpRequest)(url, { ...options, agent }), tap: null };
  }
  const tap = secure ? tlsTap(url) : tcpTap(url);
  return { request: (secure ? httpsRequest : httpRequest)(url, { ...options, createConnection: () => tap }), tap };
}

function proxyFor(secure: boolean, env: Env): boolean {
  const name = secure ? 'https_proxy' : 'http_proxy';
  return Boolean(env[name] || env[name.toUpperCase()]);
}

function tcpTap(url: URL): Tap {
  return new Tap((onread) => connectTcp({ host: hostOf(url), port: Number(url.port || 80), onread }));
}

/** The name is sent only if it is one: RFC 6066 has no addresses there. */
function tlsTap(url: URL): Tap {
  const host = hostOf(url);
  const address = { host, port: Number(url.port || 443), ALPNProtocols: ['http/1.1'] };
  return new Tap((onread) => {
    // TLS sockets take `onread` as others do (lib/internal/tls/wrap.js), which their types do not tell.
    const options: ConnectionOptions & { readonly onread: OnReadOpts } = { ...address, onread };
    return connectTls(isIP(host) ? options : { ...options, servername: host });
  });
}

/** Without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}
