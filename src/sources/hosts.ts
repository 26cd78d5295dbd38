import { isLoopback } from '../domain/http.ts';

/** True if a registry is asked over plain HTTP: it is on this machine, or the list names it, with the port that the source has. */
export function isPlainRegistry(host: string, insecureRegistries: readonly string[]): boolean {
  return isLoopback(host) || insecureRegistries.some((entry) => entry.toLowerCase() === host.toLowerCase());
}
