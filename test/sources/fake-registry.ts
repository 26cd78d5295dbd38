import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:https';
import { sha256 } from './fake-hub.ts';
import { sendFile, sendJson, serve } from './server.ts';
import type { Server } from './server.ts';

const KIND = 'application/vnd.ollama.image.';
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** What a model of the fake registry is made of. */
export interface FakeModel {
  /** By the last word of their media types: `model`, `template`, `params`, `license`, … */
  readonly layers: readonly (readonly [kind: string, bytes: Buffer])[];
  /** Bytes of the configuration; null: the manifest has none. */
  readonly config?: Buffer | null;
}

/** What a test sets up. */
export interface FakeRegistryOptions {
  /** By `namespace/model:tag`. */
  readonly models: Readonly<Record<string, FakeModel>>;
  /** Blobs come from another host, as those of registry.ollama.ai do. */
  readonly cdn?: boolean;
  readonly tls?: ServerOptions;
  /** Called first; true: it has answered. */
  readonly meanwhile?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** The manifest as Ollama pushes it: JSON without a line feed at its end. */
export function manifestOf({ layers, config = CONFIG }: FakeModel): string {
  const layer = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length });
  const head = config === null ? { mediaType: '', digest: '', size: 0 } : layer('application/vnd.docker.container.image.v1+json', config);
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: head,
    layers: layers.map(([kind, bytes]) => layer(KIND + kind, bytes)),
  });
}

/** The configuration that Ollama writes for a model. */
export const CONFIG = configOf({ model_format: 'gguf', model_family: 'llama', model_type: '8.0B', file_type: 'Q4_K_M' });

/** Bytes of a configuration. */
export function configOf(config: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify(config));
}

/**
 * A registry as Ollama speaks with it: the reading half of Docker's registry API.
 *
 * - `GET /v2/{namespace}/{model}/manifests/{tag}`, with the manifest's type in `Accept` (else 404, as real ones answer that
 *   would have to convert it): its bytes as they were pushed, and their digest in `Docker-Content-Digest`.
 * - `GET /v2/{namespace}/{model}/blobs/sha256:{hex}`: the blob, whole or by `Range`; some registries send elsewhere for it.
 * - Unknown: 404 with `{"errors": [{"code": "MANIFEST_UNKNOWN", "message": …}]}`. Registries that want a login: private-registry.ts.
 */
export async function startRegistry(options: FakeRegistryOptions): Promise<Server> {
  const { models } = options;
  const everyBlob = Object.values(models).flatMap(({ layers, config = CONFIG }) => [
    ...layers.map(([, bytes]) => bytes),
    ...(config === null ? [] : [config]),
  ]);
  const blobs = new Map(everyBlob.map((bytes) => [`sha256:${sha256(bytes)}`, bytes]));
  const cdn = options.cdn
    ? await serve((request, response) => sendFile(request, response, blobs.get((request.url ?? '').slice(1))!))
    : null;
  return await serve((request, response) => {
    if (options.meanwhile?.(request, response)) return;
    const [, name = '', kind, id = ''] = /^\/v2\/([\w.-]+\/[\w.-]+)\/(manifests|blobs)\/([\w.:-]+)$/.exec(request.url ?? '') ?? [];
    const model = models[`${name}:${id}`];
    const blob = blobs.get(id);
    if (kind === 'manifests' && model && request.headers.accept === MANIFEST) return sendManifest(response, Buffer.from(manifestOf(model)));
    if (kind === 'blobs' && blob && cdn) return response.writeHead(307, { location: `${cdn.origin}/${id}` }).end();
    if (kind === 'blobs' && blob) return sendFile(request, response, blob, { 'docker-content-digest': id });
    const errors = [{ code: kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN', message: `${kind} unknown` }];
    return sendJson(response, 404, { errors });
  }, options.tls);
}

function sendManifest(response: ServerResponse, bytes: Buffer): void {
  response
    .writeHead(200, { 'content-type': MANIFEST, 'content-length': bytes.length, 'docker-content-digest': `sha256:${sha256(bytes)}` })
    .end(bytes);
}
