/** True for the names and addresses of this machine itself: what is sent there never meets a network. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}

/** True if a registry is asked over plain HTTP: it is on this machine, or the list names it, with the port that the source has. */
export function isPlainRegistry(host: string, insecureRegistries: readonly string[]): boolean {
  return isLoopback(host.replace(/:\d+$/, '')) || insecureRegistries.some((entry) => entry.toLowerCase() === host.toLowerCase());
}
