import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A web server with files, on this machine. */
export interface FileServer {
  readonly url: string;
  readonly serve: (name: string, bytes: Uint8Array) => void;
  readonly remove: (name: string) => void;
  /** Requests for this name are never answered. */
  readonly hang: (name: string) => void;
  /** How many requests came. */
  readonly asked: () => number;
  /** Resolves when the first request is there. */
  readonly heard: () => Promise<void>;
}

/** Starts a server that is gone after the test. It knows ranges and tells no digest. */
export async function startFiles(given: Readonly<Record<string, Uint8Array>>): Promise<FileServer> {
  const files = new Map(Object.entries(given));
  const hanging = new Set<string>();
  const first = Promise.withResolvers<void>();
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    first.resolve();
    const name = (request.url ?? '').slice(1);
    const bytes = files.get(name);
    if (hanging.has(name)) return;
    if (bytes === undefined) return void response.writeHead(404).end();
    const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const end = Math.min(bytes.length, to ? Number(to) + 1 : bytes.length);
    const part = bytes.subarray(Number(from), end);
    const range = request.headers.range === undefined ? {} : { 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` };
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      'content-length': part.length,
      'accept-ranges': 'bytes',
      ...range,
    });
    response.end(request.method === 'HEAD' ? undefined : part);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (name, bytes) => void files.set(name, bytes),
    remove: (name) => void files.delete(name),
    hang: (name) => void hanging.add(name),
    asked: () => asked,
    heard: () => first.promise,
  };
}
