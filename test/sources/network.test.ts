import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { certificateOfLoopback } from './certificate.ts';
import { only, sha256, startHub } from './fake-hub.ts';
import type { FakeHub, FakeHubOptions } from './fake-hub.ts';
import { sendJson, serve } from './server.ts';
import type { Handler } from './server.ts';
import { commit, problemOfSource, resolve, weightsNamed } from './setup.ts';

const SOURCE = 'hf:acme/Model-GGUF';
const TOKEN = 'hf_tokenTokenToken';
const WEIGHTS = weightsNamed('model');

async function hubOf(meanwhile?: FakeHubOptions['meanwhile']): Promise<FakeHub> {
  const model = { commits: { [commit('a')]: { 'Model-Q4_K_M.gguf': WEIGHTS } }, refs: { main: commit('a') } };
  return await startHub({ repos: { 'acme/Model-GGUF': model }, tokens: [TOKEN], ...(meanwhile && { meanwhile }) });
}

/** The problem with a Hub that always answers so. */
async function problemWith(handler: Handler, more: Parameters<typeof problemOfSource>[1] = {}) {
  const server = await serve(handler);
  const problem = await problemOfSource(SOURCE, { ...more, env: { HF_ENDPOINT: server.origin, HF_TOKEN: TOKEN } });
  expect(JSON.stringify(problem)).not.toContain(TOKEN);
  return { problem, server };
}

describe('Nobody at the address', () => {
  test('because its name is not known', async () => {
    expect(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: 'https://hub.invalid' } })).toMatchObject({
      code: 'source-unreachable',
      summary: 'hub.invalid cannot be reached: its name is not known (DNS). Nothing was changed.',
    });
  });

  test('because nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: `http://127.0.0.1:${port}` } })).toMatchObject({
      code: 'source-unreachable',
      summary: `127.0.0.1:${port} cannot be reached: nothing listens there. Nothing was changed.`,
    });
  });

  test('who answers: a silent one is left', async () => {
    const { problem, server } = await problemWith(() => undefined, { limits: { idleMs: 300 } });
    expect(problem.code).toBe('source-timeout');
    expect(server.seen).toHaveLength(3);
  });

  test('who ever ends: one that trickles is left', async () => {
    const { problem } = await problemWith(
      (_request, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 5);
        response.on('close', () => clearInterval(timer));
      },
      { limits: { answerMs: 60, attempts: 1 } },
    );
    expect(['source-timeout', 'source-cut-off']).toContain(problem.code);
  });

  test('who speaks HTTP', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const problem = await problemOfSource(SOURCE, { env: { HF_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } });
    expect(problem).toMatchObject({ code: 'source-garbled', summary: expect.stringContaining('does not answer in HTTP') });
  });
});

describe('An answer that is not what the protocol says', () => {
  test.each<[string, Handler, string]>([
    [
      'a web page',
      (_request, response) => response.end('<!DOCTYPE html><title>Sign in</title>'),
      'answers with a web page instead of JSON',
    ],
    [
      'half of it',
      (_request, response) => response.end('{"sha": "abc", "sib'),
      'does not answer with whole JSON but with "{\\"sha\\": \\"abc\\", \\"sib"',
    ],
    ['a number', (_request, response) => response.end('1'), 'does not answer with whole JSON but with "1"'],
    ['nothing', (_request, response) => response.end(), 'does not answer with whole JSON but with ""'],
    ['another thing', (_request, response) => response.end('{"ok": true}'), 'does not tell the commit'],
    ['a short commit', (_request, response) => response.end('{"sha": "abc"}'), 'does not tell the commit'],
    [
      'compressed bytes',
      (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      'compresses its answer (gzip), although it was asked not to',
    ],
  ])('%s', async (_what, handler, told) => {
    const { problem } = await problemWith(handler);
    expect(problem).toMatchObject({ code: 'source-garbled', summary: expect.stringContaining(told) });
    expect(problem.summary).not.toContain('?');
  });

  test('100 MB of JSON: told beforehand, none of it is read', async () => {
    const { problem, server } = await problemWith((_request, response) => {
      response.writeHead(200, { 'content-length': 100_000_000 });
      response.write('[');
    });
    expect(problem).toMatchObject({ code: 'source-garbled', summary: expect.stringContaining('answers with more than 33554432 bytes') });
    expect(server.sent()).toBeLessThan(1000);
  });

  test('100 MB of JSON: not told beforehand, no more than a third of it is read', async () => {
    const { problem, server } = await problemWith((_request, response) => {
      response.writeHead(200);
      let left = 100;
      const more = (): void => {
        while (left > 0) {
          left -= 1;
          if (!response.write(Buffer.alloc(1_000_000, 0x20))) return void response.once('drain', more);
        }
        response.end('{}');
      };
      more();
    });
    expect(problem.code).toBe('source-garbled');
    expect(server.sent()).toBeLessThan(50_000_000);
  });
});

describe('A failure that may pass', () => {
  /** Answers the first `times` requests itself. */
  function first(times: number, handler: Handler): NonNullable<FakeHubOptions['meanwhile']> {
    let left = times;
    return (request, response) => {
      if (left-- <= 0) return false;
      handler(request, response);
      return true;
    };
  }

  test.each<[string, Handler]>([
    ['500', (_request, response) => sendJson(response, 500, { error: 'Internal' })],
    ['502', (_request, response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>')],
    ['503 with Retry-After', (_request, response) => response.writeHead(503, { 'retry-after': '0' }).end()],
    ['429 with Retry-After', (_request, response) => response.writeHead(429, { 'retry-after': '0' }).end()],
    ['429 with a date', (_request, response) => response.writeHead(429, { 'retry-after': new Date(0).toUTCString() }).end()],
    ['a connection that ends', (request) => request.socket.destroy()],
    [
      'an answer that is cut off',
      (request, response) => response.writeHead(200, { 'content-length': 999 }).write('{"sha"', () => request.socket.destroy()),
    ],
  ])('is tried again: %s', async (_what, handler) => {
    const hub = await hubOf(first(2, handler));
    expect((await resolve(SOURCE, { env: { HF_ENDPOINT: hub.origin } })).sha256).toBe(sha256(WEIGHTS));
    expect(hub.seen.filter(({ url }) => url?.startsWith('/api'))).toHaveLength(3);
  });

  test.each<[string, string, Handler]>([
    ['source-failing', 'fails with status 500: "Internal"', (_request, response) => sendJson(response, 500, { error: 'Internal' })],
    ['source-failing', 'fails with status 502. ', (_request, response) => response.writeHead(502).end('<html>Bad Gateway</html>')],
    [
      'source-busy',
      'is asked too often, and wants to be left alone for 0 s',
      (_request, response) => response.writeHead(429, { 'retry-after': '0' }).end(),
    ],
    ['source-busy', 'is asked too often. ', (_request, response) => response.writeHead(429).end()],
    ['source-cut-off', 'cut its answer off', (request) => request.socket.destroy()],
  ])('that does not pass is %s: %s', async (code, told, handler) => {
    const { problem, server } = await problemWith(handler);
    expect(problem).toMatchObject({ code, summary: expect.stringContaining(told), fix: expect.any(String) });
    expect(server.seen).toHaveLength(3);
  });

  test.each<[string, Record<string, string>]>([
    ['in seconds', { 'retry-after': '3600' }],
    ['as the Hub tells it', { ratelimit: '"api";r=0;t=3600' }],
  ])('is not waited for where the server wants too long: %s', async (_what, headers) => {
    const { problem, server } = await problemWith((_request, response) => response.writeHead(429, headers).end());
    expect(problem).toMatchObject({ code: 'source-busy', summary: expect.stringContaining('for 3600 s') });
    expect(server.seen).toHaveLength(1);
  });

  test('is given up at once when a person stops it', async () => {
    const stop = new AbortController();
    const server = await serve((_request, response) => {
      response.writeHead(503, { 'retry-after': '1' }).end();
      stop.abort();
    });
    const problem = await problemOfSource(SOURCE, { env: { HF_ENDPOINT: server.origin }, signal: stop.signal });
    expect(problem.code).toBe('cancelled');
    expect(server.seen).toHaveLength(1);
  });

  test('is given up at once when a person stops it while nothing comes', async () => {
    const stop = new AbortController();
    const server = await serve(() => stop.abort());
    expect((await problemOfSource(SOURCE, { env: { HF_ENDPOINT: server.origin }, signal: stop.signal })).code).toBe('cancelled');
  });
});

describe('A redirect', () => {
  test('on the same host keeps the token, as after a repository was renamed', async () => {
    const hub = await hubOf(
      only(/\/old-name/, (request, response) =>
        response.writeHead(307, { location: request.url!.replace('old-name', 'Model-GGUF') }).end(),
      ),
    );
    const locked = await resolve('hf:acme/old-name', { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: TOKEN } });
    expect(locked.origin).toMatchObject({ repo: 'acme/old-name' });
    expect(hub.seen.map(({ headers }) => headers.authorization)).toEqual(hub.seen.map(() => `Bearer ${TOKEN}`));
  });

  test('to another host loses the token, also on the way back', async () => {
    const other = await serve((request, response) => response.writeHead(302, { location: `${hub.origin}${request.url}` }).end());
    let away = true;
    const hub: FakeHub = await hubOf((request, response) => {
      if (!away) return false;
      away = false;
      response.writeHead(302, { location: `${other.origin}${request.url}` }).end();
      return true;
    });
    await resolve(SOURCE, { env: { HF_ENDPOINT: hub.origin, HF_TOKEN: TOKEN } });
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
    expect(hub.seen.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, false, true]);
    expect(hub.cdn.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test.each([
    ['round in a circle', (url: string) => url, 'more than 5 times'],
    ['to what is no address', () => 'https://', 'an address that is none'],
    ['to another protocol', () => 'file:///etc/passwd', 'an address that is none'],
    ['to another machine without encryption', () => 'http://cdn.example/a', 'sends us to cdn.example without encryption'],
  ])('%s is refused', async (_what, location, told) => {
    const { problem, server } = await problemWith((request, response) =>
      response.writeHead(302, { location: location(request.url!) }).end(),
    );
    expect(problem).toMatchObject({ code: 'source-redirect', summary: expect.stringContaining(told) });
    expect(server.seen.length).toBeLessThan(7);
  });
});

test('A proxy that the environment names is used, and NO_PROXY goes past it', async () => {
  const hub = await hubOf();
  const proxy = await serve((_request, response) => response.writeHead(502).end());
  const env = { HF_ENDPOINT: hub.origin, http_proxy: proxy.origin };
  expect((await problemOfSource(SOURCE, { env })).code).toBe('source-failing');
  expect(proxy.seen[0]?.url).toBe(`${hub.origin}/api/models/acme/Model-GGUF?blobs=true`);
  expect((await resolve(SOURCE, { env: { ...env, no_proxy: '127.0.0.1' } })).sha256).toBe(sha256(WEIGHTS));
});

describe('An encrypted server', () => {
  const trusted = certificateOfLoopback();
  beforeAll(() => tls.setDefaultCACertificates([...tls.getCACertificates('default'), trusted.cert]));

  test('gets the token; one that goes on without encryption does not get the request', async () => {
    const plain = await serve((_request, response) => response.end('{}'));
    const secure = await serve((_request, response) => response.writeHead(302, { location: `${plain.origin}/a` }).end(), trusted);
    const problem = await problemOfSource(SOURCE, { env: { HF_ENDPOINT: secure.origin, HF_TOKEN: TOKEN } });
    expect(problem).toMatchObject({
      code: 'source-redirect',
      summary: `${secure.origin}/api/models/acme/Model-GGUF sends us to ${plain.host} without encryption, which is refused. Nothing was changed.`,
    });
    expect(secure.seen[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(plain.seen).toHaveLength(0);
  });

  test('whose certificate nobody vouches for gets nothing', async () => {
    const server = await serve((_request, response) => response.end('{}'), certificateOfLoopback());
    expect(await problemOfSource(SOURCE, { env: { HF_ENDPOINT: server.origin, HF_TOKEN: TOKEN } })).toMatchObject({
      code: 'source-tls',
      summary: expect.stringMatching(
        /^No encrypted connection to 127\.0\.0\.1:\d+ could be made \(\w+\)\. Nothing was sent and nothing was changed\.$/,
      ),
      fix: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    expect(server.seen).toHaveLength(0);
  });

  test('that is none gets nothing', async () => {
    const server = await serve((_request, response) => response.end('{}'));
    const problem = await problemOfSource(SOURCE, { env: { HF_ENDPOINT: `https://${server.host}`, HF_TOKEN: TOKEN } });
    expect(problem.code).toBe('source-tls');
    expect(server.seen).toHaveLength(0);
  });
});
