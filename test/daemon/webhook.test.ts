import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveWebhook } from '../../src/daemon/webhook.ts';
import { until } from './home.ts';

const SPACE_MS = 2000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A webhook, the moments of its looks, and a way to call it. */
async function webhook() {
  const port = await freePort();
  const looks: number[] = [];
  const server = await serveWebhook(`127.0.0.1:${port}`, () => looks.push(performance.now()));
  onTestFinished(() => server.close());
  const call = (method = 'POST') =>
    new Promise<number>((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', method }, (response) => (response.resume(), resolve(response.statusCode ?? 0)));
      sent.on('error', reject).end();
    });
  return { call, looks, server };
}

describe('Who calls after a push', () => {
  it('makes it look at once, and only by POST', async () => {
    const { call, looks } = await webhook();
    expect([await call('GET'), looks.length, await call(), looks.length]).toEqual([405, 0, 202, 1]);
  });

  it('however often, gets looks that are apart, and one after the last call', async () => {
    const { call, looks } = await webhook();
    const begun = performance.now();
    let [last, calls] = [0, 0];
    for (; performance.now() < begun + 1.5 * SPACE_MS; calls += 1) {
      last = performance.now();
      await call();
    }
    await until('a look after the last call', () => (looks.at(-1) ?? 0) >= last);
    const most = Math.ceil((performance.now() - begun) / SPACE_MS) + 1;
    expect(looks.length).toBeLessThanOrEqual(most);
    expect(calls).toBeGreaterThan(most);
  });

  it('is not heard any more when it is closed', async () => {
    const { call, looks, server } = await webhook();
    await Promise.all([call(), call()]);
    await server.close();
    await new Promise((resolve) => setTimeout(resolve, 1.2 * SPACE_MS));
    expect(looks).toHaveLength(1);
  });
});
