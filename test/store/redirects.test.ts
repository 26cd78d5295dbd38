import { describe, expect, it } from 'vitest';
import { follow } from '../../src/store/http/redirect.ts';
import { answer, fileOf, seededBytes, serve, type Behaviour } from './file-server.ts';
import { attempt, expectWhole, server } from './shelf.ts';

const content = seededBytes(10_000, 5);
const file = fileOf(content);
const secrets = { authorization: 'Bearer hf_canary0123456789', 'x-api-key': 'canary', cookie: 'session=canary' };

const redirect = (location: string, status = 302): Behaviour => answer(status, { location });

describe('A redirect', () => {
  it.each([301, 302, 303, 307, 308])('with status %i leads to the file, and secrets do not follow to another host', async (status) => {
    const cdn = await server(content);
    const { store, error, files } = await attempt(content, file, redirect(cdn.url, status), { download: { headers: secrets } });
    expect(error).toBeNull();
    expect(files.arrived[0]?.headers).toMatchObject(secrets);
    const [arrived] = cdn.arrived;
    expect(arrived?.headers['user-agent']).toBe('llmops');
    expect(JSON.stringify(arrived?.headers)).not.toContain('canary');
    await expectWhole(store, file, content);
  });

  it('on the same host keeps them', async () => {
    const behave: Behaviour = (exchange) => (exchange.arrived.url === '/there' ? serve()(exchange) : redirect('/there')(exchange));
    const { error, files } = await attempt(content, file, behave, { download: { headers: secrets } });
    expect(error).toBeNull();
    expect(files.arrived[1]).toMatchObject({ url: '/there', headers: secrets });
  });

  it('does not give them back on the way back', async () => {
    let home = '';
    const away = await server(content, (exchange) => redirect(`${home}/there`)(exchange));
    const behave: Behaviour = (exchange) => (exchange.arrived.url === '/there' ? serve()(exchange) : redirect(away.url)(exchange));
    const files = await server(content, behave);
    home = new URL(files.url).origin;
    const { error } = await attempt(content, file, redirect(files.url), { download: { headers: secrets } });
    expect(error).toBeNull();
    expect(JSON.stringify([...files.arrived, ...away.arrived].map(({ headers }) => headers))).not.toContain('canary');
  });

  it('carries the range along, and is asked for anew after a cut, as addresses with a signature expire', async () => {
    const cdn = await server(content, (exchange) => serve(exchange.n === 0 ? { cutAfter: 4000 } : {})(exchange));
    const { store, error, files } = await attempt(content, file, redirect(cdn.url));
    expect(error).toBeNull();
    expect(files.arrived.map(({ from }) => from)).toEqual([null, 4000]);
    expect(cdn.arrived.map(({ from }) => from)).toEqual([null, 4000]);
    await expectWhole(store, file, content);
  });

  it('is followed five times, and no further', async () => {
    const hops =
      (most: number): Behaviour =>
      (exchange) =>
        (exchange.n < most ? redirect(`/hop${exchange.n}`) : serve())(exchange);
    expect((await attempt(content, file, hops(5))).error).toBeNull();
    const { error, files } = await attempt(content, file, hops(6));
    expect(error).toMatchObject({
      problem: { code: 'download-bad-redirect', summary: expect.stringContaining('more than 5 times') as string },
    });
    expect(files.arrived).toHaveLength(6);
  });

  it.each([
    ['http://models.example/x', 'without encryption'],
    ['file:///etc/passwd', 'redirects to file:'],
    ['http://[', 'no usable address'],
  ])('to %s is refused', async (location, reason) => {
    const { error, files } = await attempt(content, file, redirect(location));
    expect(error).toMatchObject({ problem: { code: 'download-bad-redirect', summary: expect.stringContaining(reason) as string } });
    expect(files.arrived).toHaveLength(1);
  });

  it('never leads from an encrypted connection to a plain one, not even on this machine', () => {
    const from = (url: string) => ({ url: new URL(url), headers: {} });
    expect(() => follow(from('https://hf.co/x'), 'http://hf.co/x', 'it')).toThrow('without encryption');
    expect(() => follow(from('https://hf.co/x'), 'http://127.0.0.1/x', 'it')).toThrow('without encryption');
    expect(follow(from('http://127.0.0.1:1/x'), 'https://hf.co/x', 'it').url.href).toBe('https://hf.co/x');
    expect(follow(from('http://127.0.0.1:1/x'), 'http://[::1]:2/x', 'it').url.href).toBe('http://[::1]:2/x');
  });
});
