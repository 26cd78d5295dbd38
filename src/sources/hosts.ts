/** True for the names and addresses of this machine itself: what is sent there never meets a network. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}

/** True if a registry, `HOST` or `HOST:PORT`, is asked over plain HTTP: on this machine, or because the list names it. */
export function isPlainRegistry(host: string, insecureRegistries: readonly string[]): boolean {
  const wanted = host.toLowerCase();
  const name = wanted.replace(/:\d+$/, '');
  return isLoopback(name) || insecureRegistries.some((entry) => entry.toLowerCase() === wanted || entry.toLowerCase() === name);
}
