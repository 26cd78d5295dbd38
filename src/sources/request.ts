import type { Origin, RemoteFile } from '../domain/weights.ts';
import type { WeightsRequest } from './context.ts';
import { isPlainRegistry } from './hosts.ts';
import { RegistryLogin } from './login.ts';
import { hubAccess } from './token.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * How a pinned file is asked for. Reads nothing but `env` and the token file that the Hub's own tools keep; Docker's
 * configuration only once a registry asks who is there. A token stands in a header, never in the address, and only where the connection is encrypted or stays on this machine. Throws a
 * ProblemError: `hub-endpoint`, `hub-token`.
 */
export function requestFor(
  origin: Origin,
  file: Pick<RemoteFile, 'path' | 'sha256'>,
  env: Env,
  insecureRegistries: readonly string[],
): WeightsRequest {
  switch (origin.kind) {
    case 'hf':
      return hubFile(origin, file.path, env);
    case 'https':
      return { url: siblingOf(origin.url, file.path), headers: {}, tokenHint: null };
    case 'ollama':
      return registryBlob(origin, file.sha256, env, insecureRegistries);
  }
}

/** `GET /{repo}/resolve/{commit}/{path}` of the Hub: the file's bytes, mostly through a redirect to another host. */
export function hubFile(origin: Extract<Origin, { kind: 'hf' }>, path: string, env: Env): WeightsRequest {
  const { endpoint, token } = hubAccess(env);
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  return { url: `${endpoint}/${origin.repo}/resolve/${origin.commit}/${encoded}`, headers, tokenHint: 'HF_TOKEN' };
}

function registryBlob(
  origin: Extract<Origin, { kind: 'ollama' }>,
  sha256: string,
  env: Env,
  insecureRegistries: readonly string[],
): WeightsRequest {
  const base = registryOf(origin, insecureRegistries);
  return {
    url: `${base}/blobs/sha256:${sha256}`,
    headers: {},
    tokenHint: null,
    login: new RegistryLogin({ host: origin.host, base, env }),
  };
}

/** What every address of a model in a registry begins with. */
export function registryOf(
  { host, name }: { readonly host: string; readonly name: string },
  insecureRegistries: readonly string[],
): string {
  return `${isPlainRegistry(host, insecureRegistries) ? 'http' : 'https'}://${host}/v2/${name}`;
}

/** What the file behind an address is called: its last part, as a plain file name. */
export function nameBehind(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  const name = decoded(last).replace(/[/\\\x00-\x1f\x7f]/g, '_');
  return /^\.*$/.test(name) ? 'weights' : name;
}

/** The address of a file, or of another part of the split model that it begins: parts lie beside each other. */
function siblingOf(url: string, name: string): string {
  if (name === nameBehind(url)) return url;
  const sibling = new URL(url);
  sibling.pathname = [...sibling.pathname.split('/').slice(0, -1), encodeURIComponent(name)].join('/');
  return sibling.href;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
