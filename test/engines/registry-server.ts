import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../contract/world.ts';
import { freePort } from './real/ports.ts';

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

function findRegistry(): string {
  const places = [process.env['LLMOPS_REGISTRY'] ?? '', resolve(import.meta.dirname, '../../.engines/registry/bin/docker-registry')];
  const found = places.find((path) => path !== '' && existsSync(path));
  if (found === undefined)
    throw new Error('There is no docker-registry: set LLMOPS_REGISTRY to its path, or run `npm run test:engines`, which unpacks one.');
  return found;
}

/** Ollama asks every answer of a blob for a Location and fails without one. */
const CONFIG = (port: number, dir: string) => `version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: ${dir}}, delete: {enabled: true}}
http: {addr: '127.0.0.1:${port}', headers: {Location: ['#']}}
`;

/** Starts a registry and the proxy in front of it. */
export async function startRegistry(): Promise<RegistryServer> {
  const dir = mkdtempSync(join(tmpdir(), 'llmops-registry-'));
  const port = await freePort();
  writeFileSync(join(dir, 'config.yml'), CONFIG(port, join(dir, 'data')));
  const child = spawn(findRegistry(), ['serve', join(dir, 'config.yml')], { stdio: 'ignore' });
  await eventually(() =>
    fetch(`http://127.0.0.1:${port}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  const mischief: Mischief = { cuts: [], corrupt: false, rate: 0, ollamaOnly: false };
  const proxy = createServer((asked, answer) => void forward(asked, answer, port, self).catch(() => answer.destroy()));
  await new Promise<void>((listens) => proxy.listen(0, '127.0.0.1', listens));
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const self: RegistryServer = {
    host,
    mischief,
    bytes: 0,
    ranges: [],
    async digestOf(name, tag) {
      const accept = 'application/vnd.docker.distribution.manifest.v2+json';
      const answer = await fetch(`http://127.0.0.1:${port}/v2/${name}/manifests/${tag}`, { headers: { accept } });
      return (answer.headers.get('docker-content-digest') ?? '').replace('sha256:', '');
    },
    async end() {
      proxy.closeAllConnections();
      proxy.close();
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return self;
}

async function forward(asked: IncomingMessage, answer: ServerResponse, port: number, self: RegistryServer): Promise<void> {
  if (self.mischief.ollamaOnly && asked.headers['user-agent'] === undefined) return void answer.writeHead(401).end();
  const onward = request({ port, host: '127.0.0.1', method: asked.method, path: asked.url, headers: asked.headers });
  asked.pipe(onward);
  const [came] = (await once(onward, 'response')) as [IncomingMessage];
  answer.writeHead(came.statusCode ?? 500, came.headers);
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
