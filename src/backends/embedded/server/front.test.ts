import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createFront } from './server.ts';

test('until the model is loaded every route says so with 503', async () => {
  const { server, stop } = createFront({ engine: null }, () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  for (const path of ['/health', '/v1/models', '/v1/chat/completions']) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { message: 'Loading model', type: 'unavailable_error', code: 503 } });
  }
  await stop();
});

test('web pages from elsewhere are refused on every route, and those of this machine are not', async () => {
  const { server, stop } = createFront({ engine: null }, () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (origin: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, { method: 'POST', body: '{}', headers: { origin } });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    return response.status;
  };
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'http://127.0.0.1.evil.example'])
    expect(await ask(origin), origin).toBe(403);
  for (const origin of ['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:8080']) expect(await ask(origin), origin).toBe(503);
  await stop();
});

test('a name that only leads here is refused on every route, so that no web page can read answers by it', async () => {
  const { server, stop } = createFront({ engine: null }, () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  // fetch sets Host by itself.
  const ask = (host: string, path: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
  for (const path of ['/health', '/props', '/v1/models', '/nope'])
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '127.0.0.1@evil.example',
      '0.0.0.0',
    ])
      expect(await ask(host, path), host).toBe(403);
  for (const host of [`127.0.0.1:${port}`, 'localhost', 'LocalHost:80', '[::1]:8080']) expect(await ask(host, '/props'), host).toBe(503);
  await stop();
});
