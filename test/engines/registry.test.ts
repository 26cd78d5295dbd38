import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGgufFacts } from '../../src/catalog/index.ts';
import { requestFor } from '../../src/sources/index.ts';
import { problemOfSource, resolve } from '../sources/setup.ts';
import { emptyStore, expectWhole, listener } from '../store/shelf.ts';
import { LOGIN, sha256, startDockerRegistry } from './docker-registry.ts';
import type { DockerRegistry, PushedModel } from './docker-registry.ts';

// What test/sources/fake-registry.ts imitates, seen with Debian's docker-registry.
const folder = join(import.meta.dirname, '../../examples/models');
const first = readFileSync(join(folder, 'desk-F16.gguf'));
const second = readFileSync(join(folder, 'desk-Q8_0.gguf'));
const template = Buffer.from('{{ .Prompt }}');

const F16: PushedModel = {
  layers: [
    ['model', first],
    ['template', template],
    ['license', Buffer.from('MIT License\n\nCopyright')],
  ],
  config: { model_format: 'gguf', model_family: 'llama', model_type: '1M', file_type: 'F16' },
};
const Q8: PushedModel = { layers: [['model', second]], config: { ...F16.config, file_type: 'Q8_0' } };

let registry: DockerRegistry;
beforeAll(async () => {
  registry = await startDockerRegistry();
});
afterAll(async () => await registry.stop());

const source = (tag: string): string => `ollama:${registry.host}/acme/desk:${tag}`;

describe('A model in a real registry', () => {
  it('is pinned to the digest that the registry tells, and told from the header of its weights', async () => {
    const digest = await registry.push('acme/desk', 'f16', F16);
    expect(await resolve(source('f16'))).toMatchObject({
      quantization: 'F16',
      origin: { kind: 'ollama', host: registry.host, name: 'acme/desk', tag: 'f16' },
      manifest: digest,
      files: [{ path: 'desk-f16.gguf', bytes: first.length, sha256: sha256(first) }],
      chatTemplate: sha256(template),
      tokenizer: expect.stringMatching(/^[0-9a-f]{64}$/),
      license: 'MIT License',
      facts: await readGgufFacts(join(folder, 'desk-F16.gguf')),
    });
  });

  it('is another entry after its tag was moved, and what was pinned is still to be had', async () => {
    await registry.push('acme/desk', 'latest', F16);
    const before = await resolve(source('latest'));
    await registry.push('acme/desk', 'latest', Q8);
    const after = await resolve(source('latest'));
    expect([before.quantization, after.quantization]).toEqual(['F16', 'Q8_0']);
    expect(after.manifest).not.toBe(before.manifest);
    const { url, headers } = requestFor(before.origin!, before.files[0]!, {}, []);
    expect(sha256(Buffer.from(await (await fetch(url, { headers })).arrayBuffer()))).toBe(sha256(first));
  });

  it('that is not there is told in the words of the registry', async () => {
    expect(await problemOfSource(source('nothing'))).toMatchObject({
      code: 'model-not-in-registry',
      summary: `There is no model ${registry.host}/acme/desk:nothing: "manifest unknown". Nothing was changed.`,
    });
  });
});

describe('A model in a real registry with a login', () => {
  let closed: DockerRegistry;
  beforeAll(async () => {
    closed = await startDockerRegistry({ login: true });
    await closed.push('acme/desk', 'f16', F16);
  });
  afterAll(async () => await closed.stop());

  const config = (password: string): string =>
    JSON.stringify({ auths: { [closed.host]: { auth: Buffer.from(`${LOGIN.user}:${password}`).toString('base64') } } });

  it('is looked up and fetched with the login that Docker keeps, and its entry says that it needs one', async () => {
    const env = { DOCKER_AUTH_CONFIG: config(LOGIN.password) };
    const locked = await resolve(`ollama:${closed.host}/acme/desk:f16`, { env });
    expect(locked).toMatchObject({ origin: { host: closed.host, access: 'login' }, sha256: sha256(first), license: 'MIT License' });
    expect(JSON.stringify(locked)).not.toContain(LOGIN.password);
    const [file] = locked.files;
    const { url, headers, login } = requestFor(locked.origin!, file!, env, []);
    const { store } = await emptyStore();
    await store.fetch(file!, { url, headers, what: 'desk', ...(login && { login }) }, listener().io);
    await expectWhole(store, file!, first);
  });

  it('is told to need one where there is none, with the places that were looked at', async () => {
    expect(await problemOfSource(`ollama:${closed.host}/acme/desk:f16`)).toMatchObject({
      code: 'registry-login',
      summary: `${closed.host}/acme/desk:f16 does not exist or is private (status 401): "authentication required". No login for ${closed.host} was found: DOCKER_AUTH_CONFIG is not set. Nothing was changed.`,
    });
  });

  it('is not given to whoever has another password', async () => {
    expect(await problemOfSource(`ollama:${closed.host}/acme/desk:f16`, { env: { DOCKER_AUTH_CONFIG: config('another') } })).toMatchObject({
      code: 'registry-login',
      summary: expect.stringContaining(`${closed.host} does not accept the login for ${closed.host} in DOCKER_AUTH_CONFIG`),
    });
  });
});
