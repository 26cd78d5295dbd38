import { createHash } from 'node:crypto';

/** A name as Ollama reads it, every part filled in and in lower case: names that differ in case only are one name there. */
export interface Name {
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
}

const DEFAULTS = { host: 'registry.ollama.ai', namespace: 'library', tag: 'latest' };
/** Everything of ours is below this namespace, except the names that clients send. */
export const OURS = 'llmops';

/** Reads `[[host[:port]/]namespace/]model[:tag]`. Source: `ParseName` in Ollama's types/model/name.go. */
export function parseName(text: string): Name {
  const lower = text.toLowerCase();
  const colon = lower.lastIndexOf(':');
  const hasTag = colon > lower.lastIndexOf('/');
  const [model = '', namespace = DEFAULTS.namespace, ...host] = (hasTag ? lower.slice(0, colon) : lower).split('/').toReversed();
  return {
    host: host.length === 0 ? DEFAULTS.host : host.toReversed().join('/'),
    namespace,
    model,
    tag: hasTag ? lower.slice(colon + 1) : DEFAULTS.tag,
  };
}

/** The whole name: equal exactly for names that Ollama takes for the same. */
export function fullName(text: string): string {
  const { host, namespace, model, tag } = parseName(text);
  return `${host}/${namespace}/${model}:${tag}`;
}

/** What clients send for this name: its shortest form, without `:latest`. */
export function shortName(text: string): string {
  const { host, namespace, model, tag } = parseName(text);
  const folder = host !== DEFAULTS.host ? `${host}/${namespace}/` : namespace !== DEFAULTS.namespace ? `${namespace}/` : '';
  return `${folder}${model}${tag === DEFAULTS.tag ? '' : `:${tag}`}`;
}

/** The name of a tag in a registry, in the case in which it was written: not every registry thinks as Ollama does about that. */
export function tagName({ host, name, tag }: { readonly host: string; readonly name: string; readonly tag: string }): string {
  const folder = host === DEFAULTS.host ? '' : `${host}/`;
  return `${folder}${folder === '' && name.startsWith(`${DEFAULTS.namespace}/`) ? name.slice(DEFAULTS.namespace.length + 1) : name}:${tag}`;
}

/** True for names that llmops gives to what it keeps on a server, of whatever stack. */
export function isOurs(text: string): boolean {
  const { host, namespace } = parseName(text);
  return host === DEFAULTS.host && namespace === OURS;
}

/** The immutable name of pristine weights. `key` is what `heldKey` gives: 64 hex digits. */
export function baseName(key: string): string {
  return `${OURS}/base:${key}`;
}

/** The key of {@link baseName}; null: another name. */
export function baseKey(text: string): string | null {
  const { model, tag } = parseName(text);
  return isOurs(text) && model === 'base' && /^[0-9a-f]{64}$/.test(tag) ? tag : null;
}

/** Where a user's tag is kept while a pull moves it. */
export function keptName(text: string): string {
  return `${OURS}/kept:${digest(fullName(text), 16)}`;
}

/** What the name of a derived model tells. */
export interface Derived {
  readonly model: string;
  readonly specHash: string;
  readonly stackId: string;
  /** First 8 hex digits of SHA-256 over the backend's name. */
  readonly backendId: string;
  /** First 12 hex digits of the digest of its (first) weight blob: a server lists runners of names that are gone. */
  readonly blobId: string;
}

const TAG = /^([0-9a-f]{12})\.(?:.*\.)?([0-9a-f]{16})\.([0-9a-f]{8})\.([0-9a-f]{12})$/;

/**
 * The name of a derived model: `llmops/chat:<spec hash>.<stack>.<stack's identity>.<backend>.<blob>`. The stack's name is for
 * people, cut to fit into Ollama's 80 characters. It stands in the middle: a tag that ends in `-cloud` is sent to ollama.com.
 */
export function derivedName({ model, specHash, stackId, backendId, blobId }: Derived, stack: string): string {
  return `${OURS}/${model}:${specHash}.${stack.slice(0, 27)}.${stackId}.${backendId}.${blobId}`;
}

/** Reads {@link derivedName}; null: another name. */
export function parseDerived(text: string): Derived | null {
  const { model, tag } = parseName(text);
  const [, specHash, stackId, backendId, blobId] = TAG.exec(tag) ?? [];
  if (!isOurs(text) || specHash === undefined) return null;
  return { model, specHash, stackId: stackId as string, backendId: backendId as string, blobId: blobId as string };
}

/** Identity of a backend within a stack, for {@link Derived}. */
export function backendIdOf(backend: string): string {
  return digest(backend, 8);
}

/** The first digits of SHA-256 over a text. */
export function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
