import type { Source } from '../domain/desired.ts';

const PART = /^[\w.-]+$/;
const OLLAMA_REGISTRY = 'registry.ollama.ai';
/** As Ollama takes names: letters, digits, `_`, `-`, `.`, at most 80 of them. */
const OLLAMA_PART = /^[A-Za-z0-9_][\w.-]{0,79}$/;
const HOST = /^[\w.-]+(:\d{1,5})?$/;
const LOOPBACK = /^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?\//;

/** How each kind of source is spelled, for people. */
export const SPELLING: Readonly<Record<string, string>> = {
  file: 'file:PATH, the path of a file',
  hf: 'hf:OWNER/REPO, hf:OWNER/REPO@REVISION or hf:OWNER/REPO/FILE',
  ollama: 'ollama:NAME, ollama:NAME:TAG or ollama:HOST/NAMESPACE/NAME:TAG',
  https: 'https://HOST/PATH of a file',
  http: 'http://HOST/PATH on this machine (127.0.0.1, localhost, [::1])',
};

/** A source as it stands in llmops.yaml; null: it is not spelled as its scheme wants it. `revision` is the model's own key. */
export function parseSource(written: string, revision: string | null = null): Source | null {
  const scheme = written.slice(0, written.indexOf(':'));
  const rest = written.slice(scheme.length + 1);
  switch (scheme) {
    case 'file':
      return /^(?!\/\/).*[^/\\]$/.test(rest) ? { kind: 'file', path: rest, written } : null;
    case 'hf':
      return hub(rest, revision, written);
    case 'ollama':
      return ollama(rest, written);
    case 'https':
      return /^\/\/[^\s/]+\/\S*[^\s/]$/.test(rest) ? { kind: 'https', url: written, written } : null;
    case 'http':
      return LOOPBACK.test(written) && /[^\s/]$/.test(written) ? { kind: 'https', url: written, written } : null;
    default:
      return null;
  }
}

/** `owner/repo`, `owner/repo@revision`, either with `/path/of/a/file` behind it. */
function hub(rest: string, revision: string | null, written: string): Source | null {
  const [owner = '', named = '', ...file] = rest.split('/');
  const [repo = '', at, ...more] = named.split('@');
  if (!PART.test(owner) || !PART.test(repo) || more.length > 0 || (at !== undefined && !PART.test(at))) return null;
  if (file.some((part) => !/^[^\s?#]+$/.test(part) || part === '..' || part === '.')) return null;
  return {
    kind: 'hf',
    repo: `${owner}/${repo}`,
    revision: at ?? revision,
    file: file.length === 0 ? null : file.join('/'),
    written,
  };
}

/** `[host[:port]/][namespace/]model[:tag]`. As Ollama does, a first part with a dot, a colon or the name localhost is a host. */
function ollama(rest: string, written: string): Source | null {
  const parts = rest.split('/');
  const isHost = parts.length > 1 && /[.:]|^localhost$/.test(parts[0]!);
  const host = isHost ? parts.shift()! : OLLAMA_REGISTRY;
  const [model = '', tag = 'latest', ...more] = (parts.pop() ?? '').split(':');
  const namespace = parts.length === 0 ? ['library'] : parts;
  const isName = [...namespace, model, tag].every((part) => OLLAMA_PART.test(part));
  if (!HOST.test(host) || !isName || namespace.length !== 1 || more.length > 0) return null;
  return { kind: 'ollama', host, name: `${namespace[0]}/${model}`, tag, written };
}
