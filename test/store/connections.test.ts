import { createServer, request } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ask } from '../../src/store/http/exchange.ts';
import { beginGet } from '../../src/store/http/route.ts';
import { certificate } from './certificate.ts';
import { answer, fileOf, inTurn, seededBytes, serve, type Serving } from './file-server.ts';
import { download, emptyStore, expectWhole, listener, server } from './shelf.ts';

const content = seededBytes(3_000_000, 51);
const file = fileOf(content);
const known = getCACertificates('default');

afterEach(() => setDefaultCACertificates(known));
const trust = (): void => setDefaultCACertificates([...known, certificate.cert]);

describe('An encrypted download', () => {
  it('goes on after a cut as any other', async () => {
    trust();
    const { store } = await emptyStore();
    const files = await server(content, inTurn(serve({ cutAfter: 1_500_000 }), serve()), certificate);
    await store.fetch(file, download(files.url), listener().io);
    expect(files.arrived[1]?.from).toBeGreaterThan(0);
    await expectWhole(store, file, content);
  });

  it('by a host name sends that name, and finds the address that answers', async () => {
    trust();
    const { store } = await emptyStore();
    const files = await server(content, serve(), certificate);
    await store.fetch(file, download(`https://localhost:${files.port}/x`), listener().io);
    expect(files.arrived[0]?.headers.host).toBe(`localhost:${files.port}`);
  });

  it('from a host that nobody vouches for is refused at once, with what to do', async () => {
    const { store } = await emptyStore();
    const files = await server(content, serve(), certificate);
    await expect(store.fetch(file, download(files.url), listener().io)).rejects.toMatchObject({
      problem: {
        code: 'download-failed',
        summary: expect.stringContaining(`the certificate of 127.0.0.1:${files.port} is not trusted`) as string,
        fix: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
      },
    });
    expect(files.arrived).toEqual([]);
  });

  it('is not led to a plain connection', async () => {
    trust();
    const { store } = await emptyStore();
    const plain = await server(content);
    const files = await server(content, answer(302, { location: plain.url }), certificate);
    await expect(store.fetch(file, download(files.url), listener().io)).rejects.toMatchObject({
      problem: { code: 'download-bad-redirect' },
    });
    expect(plain.arrived).toEqual([]);
  });

  it.each([
    ['https://models.example/x', 'models.example'],
    ['http://models.example/x', 'models.example'],
    ['https://models.example:8443/x', 'models.example:8443'],
  ])('of %s asks the host by the name %s', (url, host) => {
    const { request: begun } = beginGet(new URL(url), {}, AbortSignal.abort(), {});
    begun.on('error', () => undefined);
    expect(begun.getHeader('host')).toBe(host);
  });
});

/** A proxy for plain HTTP, and for tunnels, that keeps what it was asked for. */
async function proxy(): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const listening = createServer((incoming, outgoing) => {
    asked.push(incoming.url ?? '');
    const onward = request(incoming.url ?? '', { headers: incoming.headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
      response.on('close', () => response.complete || outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    onward.end();
  });
  listening.on('connect', (incoming: { url?: string }, client: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const [host = '', port = ''] = (incoming.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    for (const socket of [onward, client]) socket.on('error', () => socket.destroy());
    open.add(onward).add(client);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    listening.closeAllConnections();
    await new Promise((resolve) => listening.close(resolve));
  });
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, asked };
}

describe('A proxy', () => {
  it('that HTTP_PROXY names is used for plain downloads', async () => {
    const [files, between] = [await server(content, inTurn(serve({ cutAfter: 1_000_000 }), serve())), await proxy()];
    const { store } = await emptyStore({ env: { HTTP_PROXY: between.url } });
    await store.fetch(file, download(files.url), listener().io);
    expect(between.asked[0]).toBe(files.url);
    await expectWhole(store, file, content);
  });

  it('that HTTPS_PROXY names is tunnelled through for encrypted ones', async () => {
    trust();
    const [files, between] = [await server(content, serve(), certificate), await proxy()];
    const { store } = await emptyStore({ env: { HTTPS_PROXY: between.url } });
    await store.fetch(file, download(files.url), listener().io);
    expect(between.asked).toEqual([`CONNECT 127.0.0.1:${files.port}`]);
    await expectWhole(store, file, content);
  });

  it('is left out for hosts that NO_PROXY names', async () => {
    const [files, between] = [await server(content), await proxy()];
    const { store } = await emptyStore({ env: { HTTP_PROXY: between.url, NO_PROXY: '127.0.0.1' } });
    await store.fetch(file, download(files.url), listener().io);
    expect(between.asked).toEqual([]);
    await expectWhole(store, file, content);
  });
});

/** A server below HTTP, that sends these texts one after the other, each when the one before has left. */
async function raw(...texts: readonly (string | Buffer)[]): Promise<number> {
  const open = new Set<Socket>();
  const listening = createTcpServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', async () => {
      for (const text of texts) {
        await new Promise<void>((resolve) => socket.write(text, () => resolve()));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      socket.end();
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => listening.close(resolve));
  });
  return (listening.address() as AddressInfo).port;
}

describe('The head of an answer', () => {
  const small = seededBytes(1000, 52);
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${small.length}\r\n\r\n`;

  it.each<readonly [string, readonly (string | Buffer)[]]>([
    ['comes with the body in one piece', [Buffer.concat([Buffer.from(head), small])]],
    ['comes byte by byte', [...head]],
    ['is cut in its last line', [head.slice(0, -2), Buffer.concat([Buffer.from(head.slice(-2)), small])]],
    ['has forerunners', [`HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${head}`, small]],
    ['has forerunners, cut anywhere', ['HTTP/1.1 103 Early Hints\r\nlink: <x>\r', `\n\r\n${head.slice(0, 20)}`, head.slice(20), small]],
  ])('may come in any pieces: it %s', async (_, texts) => {
    const { store } = await emptyStore();
    const port = await raw(...texts, ...(texts.length > 40 ? [small] : []));
    await store.fetch(fileOf(small), download(`http://127.0.0.1:${port}/x`), listener().io);
    await expectWhole(store, fileOf(small), small);
  });

  it('that never ends is no endless one', async () => {
    const { store } = await emptyStore({ tuning: { tries: 1 } });
    const port = await raw('HTTP/1.1 200 OK\r\n', ...Array.from({ length: 20 }, (_, n) => `x-${n}: ${'y'.repeat(2000)}\r\n`));
    await expect(store.fetch(fileOf(small), download(`http://127.0.0.1:${port}/x`), listener().io)).rejects.toMatchObject({
      problem: { code: 'download-failed', summary: expect.stringContaining('HPE_HEADER_OVERFLOW') as string },
    });
  });
});

describe('What was received and is not on disk yet', () => {
  const long = seededBytes(4_000_000, 53);

  it.each<readonly [string, Serving]>([
    ['that tells its length', {}],
    ['that does not', { chunked: true }],
  ])('of an answer %s is less than 1 MiB, however slow the disk is: so much a kill can cost', async (_, serving) => {
    const files = await server(long, serve(serving));
    const options = { headers: {}, signal: new AbortController().signal, env: {}, stallMs: 20_000, what: 'it' };
    const asked = await ask(files.url, options);
    const seen = { held: 0, most: 0, got: 0 };
    const waiting: (() => void)[] = [];
    const take = (bytes: Uint8Array, release: () => void): void => {
      seen.held += bytes.length;
      seen.got += bytes.length;
      seen.most = Math.max(seen.most, seen.held);
      waiting.push(() => {
        seen.held -= bytes.length;
        release();
      });
    };
    const poured = asked.pour({ take });
    // The disk finishes one write now and then, when nothing more comes.
    for (let before = 0; seen.got < long.length; before = seen.got) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (seen.got === before) waiting.shift()?.();
    }
    await poured;
    expect(seen.got).toBe(long.length);
    expect(seen.most).toBeGreaterThan(500_000);
    expect(seen.most).toBeLessThan(1024 ** 2);
  });
});
