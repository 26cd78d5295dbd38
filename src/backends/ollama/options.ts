import type { JsonObject } from '../../domain/desired.ts';
import { isLoopback } from '../../domain/http.ts';
import { USUAL_REGISTRIES } from '../../domain/weights.ts';

/** Address of the server without a slash at its end. */
export function urlOf(options: JsonObject): string {
  const url = options['url'];
  return (typeof url === 'string' ? url : 'http://127.0.0.1:11434').replace(/\/+$/, '');
}

/** True if llmops starts and ends the server of this backend. */
export function servesItself(options: JsonObject): boolean {
  return options['serve'] === true;
}

/** Port of the server's address. */
export function portOf(options: JsonObject): number {
  const { port, protocol } = new URL(urlOf(options));
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** True if sources may name this registry. */
export function mayName(host: string, options: JsonObject): boolean {
  const allowed = options['registries'];
  const hosts = Array.isArray(allowed) ? allowed.map(String) : USUAL_REGISTRIES;
  return isLoopback(host) || hosts.some((each) => each.toLowerCase() === host.toLowerCase());
}

/** True if this registry is spoken to without encryption. */
export function isInsecure(host: string, options: JsonObject): boolean {
  const listed = options['insecureRegistries'];
  return isLoopback(host) || (Array.isArray(listed) && listed.some((each) => String(each).toLowerCase() === host.toLowerCase()));
}
