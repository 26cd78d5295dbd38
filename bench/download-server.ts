import { createHash, randomBytes } from 'node:crypto';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { RemoteFile } from '../src/domain/weights.ts';
import { certificate } from '../test/store/certificate.ts';

const BLOCK_BYTES = 1024 * 1024;
/** Pieces of a paced answer. */
const PACED_BYTES = 64 * 1024;

/** A server of files of any size, all of them one block again and again. */
export interface BlockServer {
  /** `perSecond`: bytes; absent: as fast as it goes. */
  url(bytes: number, options?: { readonly tls?: boolean; readonly perSecond?: number }): string;
  file(bytes: number): RemoteFile;
  /** First byte of each request, and how many were handed to the kernel since. */
  readonly requests: readonly { readonly from: number; sent: number }[];
  close(): Promise<void>;
}

/** Serves from memory, over HTTP and HTTPS. */
export async function startBlockServer(): Promise<BlockServer> {
  const block = randomBytes(BLOCK_BYTES);
  const requests: { from: number; sent: number }[] = [];
  const listener: RequestListener = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    const bytes = Number(searchParams.get('bytes'));
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const one = { from, sent: 0 };
    requests.push(one);
    const part = from > 0 ? { 'content-range': `bytes ${from}-${bytes - 1}/${bytes}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': String(bytes - from), ...part });
    void send(response, block, from, bytes, Number(searchParams.get('perSecond') ?? Infinity), one);
  };
  const [plain, tls] = [createServer(listener), createTlsServer(certificate, listener)];
  for (const server of [plain, tls]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  return {
    url: (bytes, options = {}) => {
      const pace = options.perSecond === undefined ? '' : `&perSecond=${options.perSecond}`;
      return `${options.tls ? `https://127.0.0.1:${portOf(tls)}` : `http://127.0.0.1:${portOf(plain)}`}/?bytes=${bytes}${pace}`;
    },
    file: (bytes) => ({ path: 'file.gguf', bytes, sha256: digestOf(block, bytes) }),
    requests,
    close: async () => {
      for (const server of [plain, tls]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function send(response: ServerResponse, block: Buffer, from: number, to: number, perSecond: number, told: { sent: number }) {
  const started = performance.now();
  const step = perSecond < Infinity ? PACED_BYTES : BLOCK_BYTES;
  let [wake, written] = [(): void => undefined, from];
  response.on('drain', () => wake()).on('close', () => wake());
  for (let at = from; at < to && !response.destroyed;) {
    const piece = block.subarray(at % BLOCK_BYTES, (at % BLOCK_BYTES) + Math.min(step, BLOCK_BYTES - (at % BLOCK_BYTES), to - at));
    const drained = new Promise<void>((resolve) => (wake = resolve));
    const room = response.write(piece, (error) => {
      if (!error) written += piece.length;
      told.sent = written - from;
    });
    at += piece.length;
    if (!room) await drained;
    const early = ((at - from) / perSecond) * 1000 - (performance.now() - started);
    if (early > 1) await pause(early);
  }
  response.end();
}

function digestOf(block: Buffer, bytes: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; at += block.length) hash.update(block.subarray(0, Math.min(block.length, bytes - at)));
  return hash.digest('hex');
}
