import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { certificateOfLoopback } from './certificate.ts';
import { sha256 } from './fake-hub.ts';
import type { FakeModel } from './fake-registry.ts';
import { RegistryLogin } from '../../src/sources/login.ts';
import { configFor, startPrivateRegistry, USER } from './private-registry.ts';
import type { PrivateOptions } from './private-registry.ts';
import { serve } from './server.ts';
import type { Server } from './server.ts';
import { problemOfSource, resolve, weightsNamed } from './setup.ts';

const WEIGHTS = weightsNamed('qwen');
const QWEN: FakeModel = {
  layers: [
    ['model', WEIGHTS],
    ['license', Buffer.from('MIT License')],
  ],
};

async function privateRegistry(more: Partial<PrivateOptions> = {}) {
  const started = await startPrivateRegistry({ models: { 'acme/qwen:8b': QWEN }, ...more });
  const { host } = started.registry;
  return { ...started, host, source: `ollama:${host}/acme/qwen:8b`, env: { DOCKER_AUTH_CONFIG: configFor(host) } };
}

/** A folder with these files, by their path in it. */
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'llmops-login-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const authorizations = ({ seen }: Server) => seen.map(({ headers }) => headers.authorization);

describe('A registry that wants to know who asks', () => {
  test('gets a token that was made for the user whom Docker knows, and the lock says that one was needed', async () => {
    const { registry, tokens, source, env, host } = await privateRegistry();
    expect(await resolve(source, { env })).toMatchObject({
      sha256: sha256(WEIGHTS),
      license: 'MIT License',
      origin: { kind: 'ollama', host, name: 'acme/qwen', tag: '8b', access: 'login' },
    });
    expect(authorizations(tokens)).toEqual([undefined, USER.basic]);
    expect(tokens.seen[1]?.url).toBe('/token?from=here&service=fake&scope=repository%3Aacme%2Fqwen%3Apull');
    expect(authorizations(registry)).toEqual([undefined, 'Bearer token-0', ...Array<string>(4).fill('Bearer token-1')]);
  });

  test('by user and password gets them with every request', async () => {
    const { registry, source, env } = await privateRegistry({ by: 'basic' });
    expect(await resolve(source, { env })).toMatchObject({ sha256: sha256(WEIGHTS), origin: { access: 'login' } });
    expect(authorizations(registry)).toEqual([undefined, ...Array<string>(4).fill(USER.basic)]);
  });

  test('and lets everybody have this model is never told a user, and the lock says nothing of a login', async () => {
    const { registry, tokens, source, env } = await privateRegistry({ strangers: 'open' });
    expect((await resolve(source, { env })).origin).not.toHaveProperty('access');
    expect(authorizations(tokens)).toEqual([undefined]);
    expect(JSON.stringify(authorizations(registry))).not.toContain('Basic');
  });

  test('and makes no tokens for strangers is asked as the user at once', async () => {
    const { registry, source, env } = await privateRegistry({ strangers: 'refused' });
    expect((await resolve(source, { env })).sha256).toBe(sha256(WEIGHTS));
    expect(registry.seen).toHaveLength(5);
  });

  test('gets another token when one does not hold any more', async () => {
    const { tokens, source, env } = await privateRegistry({ uses: 1 });
    expect((await resolve(source, { env })).sha256).toBe(sha256(WEIGHTS));
    expect(tokens.seen.length).toBeGreaterThan(3);
  });

  test.each<[string, (host: string, moved: string) => string]>([
    ['another host', (_host, moved) => moved],
    ['this machine by another name', (host) => `http://localhost:${host.split(':')[1]}`],
  ])('and keeps its blobs elsewhere sends nothing of a login there: %s', async (_what, place) => {
    const elsewhere = await serve((_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="trap"' }).end());
    const { source, env, registry, host } = await privateRegistry({
      by: 'basic',
      meanwhile: (request, response) => {
        if (!request.url?.includes('/blobs/')) return false;
        response.writeHead(307, { location: `${place(registry.host, elsewhere.origin)}/blob` }).end();
        return true;
      },
    });
    const problem = await problemOfSource(source, { env });
    expect(problem).toMatchObject({ code: 'registry-login', summary: expect.stringMatching(/refuses it, which \S+ sent us on to\./) });
    const strays = [...elsewhere.seen, ...registry.seen].filter(({ headers }) => headers.host !== host);
    expect(strays).not.toHaveLength(0);
    expect(strays.map(({ headers }) => headers.authorization)).toEqual(strays.map(() => undefined));
  });
});

describe('A login is found', () => {
  test.each<[string, (host: string) => Readonly<Record<string, string>>, (folder: string) => Readonly<Record<string, string>>]>([
    ['in the folder that DOCKER_CONFIG names', (host) => ({ 'config.json': configFor(host) }), (folder) => ({ DOCKER_CONFIG: folder })],
    ['in ~/.docker', (host) => ({ '.docker/config.json': configFor(host) }), (folder) => ({ HOME: folder })],
    [
      'under an address, as older programs wrote it',
      (host) => ({ '.docker/config.json': configFor(`https://${host}/v1/`) }),
      (folder) => ({ HOME: folder }),
    ],
    [
      'as user and password',
      (host) => ({ '.docker/config.json': configFor(host, { username: USER.name, password: USER.password }) }),
      (folder) => ({ HOME: folder }),
    ],
    [
      'in the file, where the variable names other registries only',
      (host) => ({ '.docker/config.json': configFor(host) }),
      (folder) => ({ HOME: folder, DOCKER_AUTH_CONFIG: configFor('other.example') }),
    ],
    [
      'in the variable before the file',
      (host) => ({ '.docker/config.json': configFor(host, { auth: Buffer.from('eve:other').toString('base64') }) }),
      (folder) => ({ HOME: folder, DOCKER_AUTH_CONFIG: 'CONFIG' }),
    ],
  ])('%s', async (_where, files, env) => {
    const { source, host } = await privateRegistry();
    const given = Object.entries(env(folderWith(files(host)))).map(([name, value]) => [name, value === 'CONFIG' ? configFor(host) : value]);
    expect((await resolve(source, { env: Object.fromEntries(given) as Record<string, string> })).sha256).toBe(sha256(WEIGHTS));
  });
});

describe('A login that is not there', () => {
  test.each<[string, string | null, string]>([
    ['no file', null, 'does not exist'],
    ['another registry', configFor('other.example'), 'names none'],
    ['no JSON', '{', 'is no JSON object'],
    ['no object', '[1]', 'is no JSON object'],
    ['auths that are none', '{"auths":7}', 'names none'],
    ['no password', configFor('HOST', { auth: Buffer.from('ada').toString('base64') }), 'names one without user and password'],
    ['a token of another kind', configFor('HOST', { identitytoken: 'secret' }), 'names one without user and password'],
    [
      'a store of its own',
      '{"auths":{"HOST":{}},"credsStore":"desktop"}',
      'leaves it to the credential helper "desktop", which llmops does not run',
    ],
    [
      'a helper for this registry',
      '{"credHelpers":{"HOST":"ecr-login"}}',
      'leaves it to the credential helper "ecr-login", which llmops does not run',
    ],
  ])('is told with the places that were looked at: %s', async (_what, text, why) => {
    const { source, host, tokens } = await privateRegistry();
    const DOCKER_CONFIG = folderWith(text === null ? {} : { 'config.json': text.replace('HOST', host) });
    expect(await problemOfSource(source, { env: { DOCKER_CONFIG, DOCKER_AUTH_CONFIG: '' } })).toMatchObject({
      code: 'registry-login',
      summary: `${host}/acme/qwen:8b does not exist or is private (status 401): "authentication required". No login for ${host} was found: DOCKER_AUTH_CONFIG is not set, and ${DOCKER_CONFIG}/config.json ${why}. Nothing was changed.`,
      fix: expect.stringContaining(`docker login ${host}`),
    });
    expect(authorizations(tokens)).toEqual([undefined]);
  });

  test('nor any place for it', async () => {
    const { source, host } = await privateRegistry();
    expect((await problemOfSource(source)).summary).toContain(`No login for ${host} was found: DOCKER_AUTH_CONFIG is not set.`);
  });
});

describe('A login that is not accepted', () => {
  const wrong = (host: string) => ({ DOCKER_AUTH_CONFIG: configFor(host, { auth: Buffer.from('ada:canary-wrong').toString('base64') }) });

  test.each(['token', 'basic'] as const)('is told with who refuses it and where it was found, and without itself: %s', async (by) => {
    const { source, host, registry, tokens } = await privateRegistry({ by, strangers: 'refused' });
    const problem = await problemOfSource(source, { env: wrong(host) });
    const refuses = by === 'token' ? tokens.host : host;
    expect(problem).toMatchObject({
      code: 'registry-login',
      summary: expect.stringContaining(`${refuses} does not accept the login for ${host} in DOCKER_AUTH_CONFIG, or it may not read this.`),
      fix: expect.stringContaining(`docker login ${host}`),
    });
    expect(JSON.stringify(problem)).not.toContain('canary');
    expect(registry.seen.length).toBeLessThan(3);
  });

  test('is not repeated by a registry that quotes it', async () => {
    const { source, env } = await privateRegistry({
      by: 'basic',
      meanwhile: (_request, response) => {
        response.writeHead(400).end(`{"error":"${USER.password} and ${USER.basic.slice(6)}?"}`);
        return true;
      },
    });
    expect((await problemOfSource(source, { env })).summary).toContain('status 400: "*** and ***?"');
  });
});

describe('A login is only sent where nobody listens', () => {
  const trusted = certificateOfLoopback();
  beforeAll(() => tls.setDefaultCACertificates([...tls.getCACertificates('default'), trusted.cert]));

  /** 127.0.0.1 in a spelling that llmops does not take for this machine. */
  const elsewhere = (host: string): string => host.replace('127.0.0.1', '127.1');

  test('not to a registry without encryption, even where the stack allows to ask it', async () => {
    const host = 'lan.example:5000';
    const login = new RegistryLogin({ host, base: `http://${host}/v2/acme/qwen`, env: { DOCKER_AUTH_CONFIG: configFor(host) } });
    const refusal = { status: 401, headers: { 'www-authenticate': 'Basic realm="lan"' }, host };
    expect(await login.answer(refusal, 0, new AbortController().signal)).toBe(false);
    expect(login.headers).toEqual({});
    expect(login.told(host).why).toBe(
      `The login for ${host} in DOCKER_AUTH_CONFIG was not sent, because the connection to ${host} is not encrypted.`,
    );
  });

  test.each([
    ['in plain text', 'http://tokens.example/token'],
    ['in plain text on this machine, which is another one to the registry', 'http://127.0.0.1:1/token'],
    ['at no address', 'nowhere'],
    ['with a user in the address', 'https://a:b@tokens.example/token'],
  ])('not where an encrypted registry has its tokens made %s', async (_where, realm) => {
    const { source, env, host } = await privateRegistry({ tls: trusted, realm });
    const there = elsewhere(host);
    const problem = await problemOfSource(source.replace(host, there), {
      env: { DOCKER_AUTH_CONFIG: env.DOCKER_AUTH_CONFIG.replace(host, there) },
    });
    expect(problem).toMatchObject({ code: 'registry-login', summary: expect.stringContaining('which is refused.') });
  });
});
