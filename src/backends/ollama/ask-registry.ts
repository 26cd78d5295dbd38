import { createHash } from 'node:crypto';
import { isLoopback } from '../../domain/http.ts';
import type { Origin } from '../../domain/weights.ts';
import { problemOf } from '../../domain/problem.ts';
import { call } from '../kit/http.ts';
import { isInsecure, mayName } from './options.ts';
import type { Parts } from './parts.ts';

/** A registry that Ollama may pull from. */
export type OllamaOrigin = Extract<Origin, { kind: 'ollama' }>;

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
const ASK_MS = 5000;

/** Its address from here; null: it is not to be asked, or is another one from here: a server elsewhere calls another machine its own. */
function addressOf({ host, name }: OllamaOrigin, { client, spec }: Pick<Parts, 'client' | 'spec'>): string | null {
  if (!mayName(host, spec.options) || (isLoopback(host) && !isLoopback(new URL(client.url).hostname))) return null;
  return `${isInsecure(host, spec.options) ? 'http' : 'https'}://${host}/v2/${name}`;
}

/** The digest of the manifest that the tag stands for now, hex; null: it cannot be asked from here, which says nothing. Throws `cancelled`. */
export async function digestOfTag(
  origin: OllamaOrigin,
  parts: Pick<Parts, 'client' | 'spec'>,
  signal: AbortSignal,
): Promise<string | null> {
  const address = addressOf(origin, parts);
  if (address === null) return null;
  try {
    const answer = await call(`${address}/manifests/${origin.tag}`, { headers: { accept: MANIFEST }, deadlineMs: ASK_MS, signal });
    return answer.status === 200 && answer.text.startsWith('{') ? createHash('sha256').update(answer.text).digest('hex') : null;
  } catch (error) {
    if (problemOf(error).code === 'cancelled') throw error;
    return null;
  }
}

/**
 * How a registry gives a file: it names where it is, as Ollama wants it; it sends the file itself; it has none any more; or it does not
 * tell, or not from here. Reads no more than the head of the answer.
 */
export async function waysOfBlob(
  origin: OllamaOrigin,
  sha256: string,
  parts: Pick<Parts, 'client' | 'spec'>,
  signal: AbortSignal,
): Promise<'named' | 'sent' | 'gone' | 'unknown'> {
  const address = addressOf(origin, parts);
  if (address === null) return 'unknown';
  const head = new AbortController();
  try {
    const answer = await fetch(`${address}/blobs/sha256:${sha256}`, {
      headers: { range: 'bytes=0-0' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, head.signal, AbortSignal.timeout(ASK_MS)]),
    });
    if (answer.headers.has('location')) return 'named';
    if (answer.status === 200 || answer.status === 206) return 'sent';
    return answer.status === 404 || answer.status === 410 ? 'gone' : 'unknown';
  } catch {
    return 'unknown';
  } finally {
    head.abort(); // a registry without ranges would send all of it
  }
}
