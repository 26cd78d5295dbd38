import { createServer as createHttp } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { askHealth } from './health.ts';
import { call, callJson, callLines } from './http.ts';
import { freePort } from './ports.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers each connection with these bytes, and closes unless told to stay. */
async function raw(bytes: string | null): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (bytes !== null) socket.once('data', () => socket.end(bytes));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ok = (body: string, head = '') => `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${head}\r\n${body}`;
const code = (outcome: Promise<unknown>) =>
  outcome.then(
    () => 'answered',
    (error: { problem?: { code: string } }) => error.problem?.code,
  );

describe('A question over HTTP', () => {
  it('gives what was answered', async () => {
    expect(await callJson(await raw(ok('{"a":1}')), { deadlineMs: 5000 })).toEqual({ a: 1 });
  });

  it('fails by name: nobody there, silence, no HTTP, half an answer, no JSON, too much', async () => {
    const ask = async (bytes: string | null, more = {}) =>
      code(callJson(await raw(bytes), { deadlineMs: bytes === null ? 50 : 5000, ...more }));
    expect(await code(callJson(`http://127.0.0.1:${await freePort()}`, { deadlineMs: 5000 }))).toBe('engine-refused');
    expect(await ask(null)).toBe('engine-timeout');
    expect(await ask('SSH-2.0-OpenSSH\r\n')).toBe('engine-garbled');
    expect(await ask('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half')).toMatch(/^engine-(unreachable|garbled)$/);
    expect(await ask(ok('<html>It works!</html>'))).toBe('engine-garbled');
    expect(await ask(ok('42'))).toBe('engine-garbled');
    expect(await ask(ok(JSON.stringify({ long: 'x'.repeat(1000) })), { maxBytes: 100 })).toBe('engine-garbled');
    expect(await ask('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n')).toBe('engine-refused-request');
  });

  it('never follows a redirect', async () => {
    let asked = 0;
    const server = createHttp((_, response) => void ((asked += 1), response.writeHead(302, { location: '/elsewhere' }).end()));
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const answer = await call(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { deadlineMs: 5000 });
    expect([answer.status, asked]).toEqual([302, 1]);
  });

  it('ends when it is cancelled', async () => {
    expect(await code(call(await raw(null), { deadlineMs: 60_000, signal: AbortSignal.abort() }))).toBe('cancelled');
  });
});

describe('The health of an instance', () => {
  const health = async (bytes: string) => (await askHealth(await raw(bytes), {}, 5000, new AbortController().signal)).is;
  it('is serving, starting, or not known; nobody there is an answer of its own', async () => {
    expect(await health(ok('{"status":"ok"}'))).toBe('serving');
    expect(await health('HTTP/1.1 503 Wait\r\nContent-Length: 2\r\n\r\n{}')).toBe('starting');
    expect(await health(ok('<html></html>'))).toBe('unknown');
    expect(await health('HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}')).toBe('unknown');
    expect((await askHealth(`http://127.0.0.1:${await freePort()}`, {}, 5000, new AbortController().signal)).is).toBe('refused');
  });
});

describe('An answer that is a stream', () => {
  it('comes line by line, and a last line needs no line feed', async () => {
    const lines: string[] = [];
    const answer = await callLines(await raw(ok('{"a":1}\n\n{"b":"ü"}')), { deadlineMs: null }, (line) => lines.push(line));
    expect(lines).toEqual(['{"a":1}', '{"b":"ü"}']);
    expect(answer).toEqual({ status: 200, text: '' });
  });

  it('with another status is no stream but a text', async () => {
    const refused = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\ntwo\nlines';
    const answer = await callLines(await raw(refused), { deadlineMs: 5000 }, () => expect.fail('no line was promised'));
    expect(answer).toEqual({ status: 400, text: 'two\nlines' });
  });

  it('that is cut off, or a line without an end, fails by name; what the reader throws is thrown', async () => {
    const lines = (bytes: string, onLine: (line: string) => void = () => undefined) =>
      raw(bytes).then((url) => callLines(url, { deadlineMs: 5000, maxBytes: 100 }, onLine));
    expect(await code(lines('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"a":1}\n{'))).toBe('engine-garbled');
    expect(await code(lines(ok('x'.repeat(200))))).toBe('engine-garbled');
    const stop = () => {
      throw new RangeError('enough');
    };
    await expect(lines(ok('{"a":1}\n'), stop)).rejects.toThrow(RangeError);
  });

  it('that falls silent after its beginning is late, not cut off', async () => {
    const server = createHttp((_, response) => void response.write('{"a":1}\n'));
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await code(callLines(url, { deadlineMs: 100 }, () => undefined))).toBe('engine-timeout');
    expect(await code(callLines(url, { deadlineMs: null, signal: AbortSignal.timeout(100) }, () => undefined))).toBe('cancelled');
    server.closeAllConnections();
  });
});
