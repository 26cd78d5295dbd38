import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startDockerRegistry } from './docker-registry.ts';

/** What the proxy does to blobs that are fetched. */
export interface Mischief {
  /** Cuts the connection after so many bytes; each blob answer consumes one. */
  cuts: number[];
  /** Flips a byte of every large blob. */
  corrupt: boolean;
  /** Bytes in a second; 0: as fast as it goes. */
  rate: number;
  /** Answers nobody but Ollama: nobody, that is, who does not say what program it is. */
  ollamaOnly: boolean;
  /** Answers as a plain docker-registry does, without the word that Ollama wants. */
  plain: boolean;
}

/** A real registry behind a proxy that can be mischievous. */
export interface RegistryServer {
  /** Host and port of the proxy: what models are named by. */
  readonly host: string;
  readonly mischief: Mischief;
  /** Bytes of blobs that the proxy let through since this was set to 0. */
  bytes: number;
  /** `Range` of each blob request since this was emptied; null: none. */
  ranges: (string | null)[];
  /** SHA-256 of a tag's manifest, hex. */
  digestOf(name: string, tag: string): Promise<string>;
  end(): Promise<void>;
}

/** Starts a registry and the proxy in front of it. */
export async function startRegistry(): Promise<RegistryServer> {
  // Ollama asks every answer of a blob for a Location and fails without one.
  const real = await startDockerRegistry({ headers: { Location: ['#'] } });
  const mischief: Mischief = { cuts: [], corrupt: false, rate: 0, ollamaOnly: false, plain: false };
  const proxy = createServer((asked, answer) => void forward(asked, answer, real.host, self).catch(() => answer.destroy()));
  await new Promise<void>((listens) => proxy.listen(0, '127.0.0.1', listens));
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const self: RegistryServer = {
    host,
    mischief,
    bytes: 0,
    ranges: [],
    async digestOf(name, tag) {
      const accept = 'application/vnd.docker.distribution.manifest.v2+json';
      const answer = await fetch(`http://${real.host}/v2/${name}/manifests/${tag}`, { headers: { accept } });
      return (answer.headers.get('docker-content-digest') ?? '').replace('sha256:', '');
    },
    async end() {
      proxy.closeAllConnections();
      proxy.close();
      await real.stop();
    },
  };
  return self;
}

async function forward(asked: IncomingMessage, answer: ServerResponse, real: string, self: RegistryServer): Promise<void> {
  if (self.mischief.ollamaOnly && asked.headers['user-agent'] === undefined) return void answer.writeHead(401).end();
  const onward = request(`http://${real}${asked.url}`, { method: asked.method, headers: asked.headers });
  asked.pipe(onward);
  const [came] = (await once(onward, 'response')) as [IncomingMessage];
  const { location, ...plain } = came.headers;
  const isUpload = /\/uploads\//.test(asked.url ?? '');
  answer.writeHead(came.statusCode ?? 500, self.mischief.plain && !isUpload ? plain : { ...plain, ...(location && { location }) });
  const isBlob = asked.method === 'GET' && /\/blobs\/sha256:/.test(asked.url ?? '');
  if (!isBlob) return void came.pipe(answer);
  self.ranges.push(asked.headers.range ?? null);
  await mischievous(came, answer, self);
}

/** Large blobs only: configurations and templates come through. */
const LARGE = 100_000;

async function mischievous(came: IncomingMessage, answer: ServerResponse, self: RegistryServer): Promise<void> {
  const isLarge = Number(came.headers['content-length'] ?? 0) > LARGE;
  const cut = isLarge ? self.mischief.cuts.shift() : undefined;
  let sent = 0;
  for await (const chunk of came as AsyncIterable<Buffer>) {
    if (answer.destroyed) return came.destroy() as unknown as void;
    const piece = cut === undefined ? chunk : chunk.subarray(0, Math.max(0, cut - sent));
    if (isLarge && self.mischief.corrupt && sent === 0 && piece.length > 0) piece[0] = (piece[0] as number) ^ 1;
    await new Promise<void>((written) => void answer.write(piece, () => written()));
    sent += piece.length;
    self.bytes += piece.length;
    if (cut !== undefined && sent >= cut) return void answer.destroy();
    if (isLarge && self.mischief.rate > 0) await pause((piece.length / self.mischief.rate) * 1000);
  }
  answer.end();
}
