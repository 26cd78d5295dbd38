import * as tls from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificateOfLoopback } from './certificate.ts';
import { only, sha256 } from './fake-hub.ts';
import { CONFIG, configOf, manifestOf, startRegistry } from './fake-registry.ts';
import type { FakeModel, FakeRegistryOptions } from './fake-registry.ts';
import { sendJson } from './server.ts';
import { problemOfSource, resolve, weightsNamed } from './setup.ts';

const WEIGHTS = weightsNamed('qwen');
const TEMPLATE = Buffer.from('{{ .System }} {{ .Prompt }}');
const LICENSE = Buffer.from('\n                     Apache License\n               Version 2.0, January 2004\n');

const QWEN: FakeModel = {
  layers: [
    ['model', WEIGHTS],
    ['template', TEMPLATE],
    ['params', Buffer.from('{"stop":["<|im_end|>"]}')],
    ['system', Buffer.from('You are helpful.')],
    ['license', LICENSE],
  ],
};

async function registryOf(model: FakeModel = QWEN, more: Partial<FakeRegistryOptions> = {}) {
  const registry = await startRegistry({ models: { 'acme/qwen:8b': model }, ...more });
  return { registry, source: `ollama:${registry.host}/acme/qwen:8b` };
}

describe('A model of an Ollama registry', () => {
  test('is pinned to its manifest and the weights in it', async () => {
    const { registry, source } = await registryOf();
    expect(await resolve(source)).toEqual({
      source,
      revision: '8b',
      quantization: 'Q4_K_M',
      origin: { kind: 'ollama', host: registry.host, name: 'acme/qwen', tag: '8b' },
      manifest: sha256(manifestOf(QWEN)),
      files: [{ path: 'qwen-8b.gguf', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) }],
      sha256: sha256(WEIGHTS),
      chatTemplate: sha256(TEMPLATE),
      tokenizer: expect.stringMatching(/^[0-9a-f]{64}$/),
      license: 'Apache License',
      facts: expect.objectContaining({ architecture: 'llama', name: 'qwen' }),
    });
  });

  test('is the same entry, byte for byte, as long as the tag stays', async () => {
    const { source } = await registryOf();
    expect(JSON.stringify(await resolve(source))).toBe(JSON.stringify(await resolve(source)));
  });

  test('is pinned by the bytes as they are served: another line feed is another manifest', async () => {
    const served = `${manifestOf(QWEN)}\n`;
    const { source } = await registryOf(QWEN, { meanwhile: only(/\/manifests\//, (_request, response) => response.end(served)) });
    expect((await resolve(source)).manifest).toBe(sha256(served));
  });

  test('may keep its blobs on another host', async () => {
    const { source } = await registryOf(QWEN, { cdn: true });
    expect(await resolve(source)).toMatchObject({ sha256: sha256(WEIGHTS), license: 'Apache License', quantization: 'Q4_K_M' });
  });

  test.each<[string, Partial<FakeModel>, Record<string, unknown>]>([
    [
      'without a template has the one in its weights',
      { layers: [['model', WEIGHTS]] },
      { chatTemplate: sha256('{{ messages }}'), license: null },
    ],
    [
      'with several licenses has all of their titles',
      {
        layers: [
          ['model', WEIGHTS],
          ['license', LICENSE],
          ['license', Buffer.from('LLAMA 3.2 COMMUNITY\tLICENSE\u0007 AGREEMENT\r\nmore')],
        ],
      },
      { license: 'Apache License; LLAMA 3.2 COMMUNITY LICENSE AGREEMENT' },
    ],
    ['without a configuration is quantized as its header says', { config: null }, { quantization: 'Q4_K_M' }],
    [
      'with an unknown quantization is quantized as its header says',
      { config: configOf({ model_format: 'gguf', file_type: 'unknown' }) },
      { quantization: 'Q4_K_M' },
    ],
    ['is quantized as its configuration says', { config: configOf({ file_type: 'mxfp4' }) }, { quantization: 'MXFP4_MOE' }],
    [
      'with a projector and an adapter says so: nothing but weights is a file of its entry',
      {
        layers: [
          ['model', WEIGHTS],
          ['projector', Buffer.from('GGUF clip')],
          ['adapter', Buffer.from('GGUF lora')],
        ],
      },
      { beside: ['adapter', 'projector'], files: [{ path: 'qwen-8b.gguf', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) }] },
    ],
    [
      'with an old prompt layer has that for a template',
      {
        layers: [
          ['model', WEIGHTS],
          ['prompt', TEMPLATE],
        ],
      },
      { chatTemplate: sha256(TEMPLATE) },
    ],
  ])('%s', async (_what, more, expected) => {
    const { source } = await registryOf({ ...QWEN, ...more });
    expect(await resolve(source)).toMatchObject(expected);
  });

  test('that is not declared so is refused', async () => {
    const { source } = await registryOf();
    expect((await problemOfSource(source, { quantizations: ['Q8_0'] })).code).toBe('quantization-mismatch');
    expect((await problemOfSource(source, { sha256: sha256('x') })).code).toBe('digest-mismatch');
    expect((await resolve(source, { quantizations: ['Q8_0', 'Q4_K_M'], sha256: sha256(WEIGHTS) })).files).toHaveLength(1);
  });

  test('may be a mix that only the tag tells: the configuration names what it was made from, and both are right', async () => {
    const registry = await startRegistry({ models: { 'acme/qwen:UD-Q4_K_XL': QWEN } });
    const source = `ollama:${registry.host}/acme/qwen:UD-Q4_K_XL`;
    expect((await resolve(source)).quantization).toBe('UD-Q4_K_XL');
    expect((await resolve(source, { quantizations: ['UD-Q4_K_XL'] })).quantization).toBe('UD-Q4_K_XL');
    expect((await resolve(source, { quantizations: ['Q4_K_M'] })).quantization).toBe('Q4_K_M');
    expect((await problemOfSource(source, { quantizations: ['Q8_0'] })).code).toBe('quantization-mismatch');
  });
});

describe('A model that is not one GGUF file', () => {
  const tensor: FakeModel['layers'][number] = ['tensor', Buffer.from('tensor')];

  test.each<[string, FakeModel, string]>([
    [
      'split',
      {
        layers: [
          ['model', WEIGHTS],
          ['model', Buffer.from('x')],
        ],
      },
      'is split into 2 files of weights',
    ],
    ['of tensors', { layers: [tensor, tensor, ['json', Buffer.from('{}')]] }, 'consists of single tensors (safetensors, for MLX)'],
    ['in the cloud', { layers: [], config: configOf({ remote_host: 'https://ollama.com:443' }) }, 'has no weights'],
    [
      'of an adapter alone',
      {
        layers: [
          ['adapter', WEIGHTS],
          ['license', LICENSE],
        ],
      },
      'has no layer of weights, only adapter, license',
    ],
    [
      'in another form',
      { layers: [['model', WEIGHTS]], config: configOf({ model_format: 'safetensors' }) },
      'has weights in the form "safetensors"',
    ],
  ])('is refused: %s', async (_what, model, told) => {
    const { source, registry } = await registryOf(model);
    const problem = await problemOfSource(source);
    expect(problem).toMatchObject({ code: 'manifest-unusable', summary: expect.stringContaining(told) });
    expect(problem.summary).toContain(`${registry.host}/acme/qwen:8b`);
  });

  test('is refused: weights that end too early', async () => {
    const { source } = await registryOf({ layers: [['model', WEIGHTS.subarray(0, -1)]] });
    expect(await problemOfSource(source)).toMatchObject({ code: 'weights-corrupt', summary: expect.stringContaining('cut off') });
  });

  test('is refused: weights that are something else', async () => {
    const { source } = await registryOf({ layers: [['model', Buffer.from('PK'.repeat(40))]] });
    expect(await problemOfSource(source)).toMatchObject({ code: 'manifest-unusable', summary: expect.stringContaining('no GGUF file') });
  });
});

describe('A registry', () => {
  test('that does not know the model or the tag', async () => {
    const { registry } = await registryOf();
    expect(await problemOfSource(`ollama:${registry.host}/acme/qwen:9b`)).toMatchObject({
      code: 'model-not-in-registry',
      summary: `There is no model ${registry.host}/acme/qwen:9b: "manifests unknown". Nothing was changed.`,
    });
  });

  test('that refuses and does not say how to log in', async () => {
    const { registry, source } = await registryOf(QWEN, {
      meanwhile: (_request, response) => (sendJson(response, 403, { errors: [{ message: 'denied' }] }), true),
    });
    expect(await problemOfSource(source, { env: { HF_TOKEN: 'hf_tokenTokenToken' } })).toMatchObject({
      code: 'registry-login',
      summary: `${registry.host}/acme/qwen:8b does not exist or is private (status 403): "denied". ${registry.host} does not say how to log in. Nothing was changed.`,
    });
    expect(registry.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test.each([400, 412, 451])('that refuses with %i is quoted', async (status) => {
    const said = 'The specified tag is not a valid quantization scheme.';
    const { source } = await registryOf(QWEN, { meanwhile: (_request, response) => (sendJson(response, status, { error: said }), true) });
    expect(await problemOfSource(source)).toMatchObject({
      code: 'registry-refused',
      summary: expect.stringContaining(`status ${status}: "${said}"`),
    });
  });

  test('whose manifest is not the one that it names is not believed', async () => {
    const changed = only(/\/manifests\//, (_request, response) =>
      response.writeHead(200, { 'docker-content-digest': `sha256:${sha256('another')}` }).end(manifestOf(QWEN)),
    );
    const { source } = await registryOf(QWEN, { meanwhile: changed });
    expect(await problemOfSource(source)).toMatchObject({ code: 'manifest-mismatch', expected: `sha256:${sha256('another')}` });
  });

  test('whose blob is not the one that the manifest names is not believed', async () => {
    const changed = only(new RegExp(`/blobs/sha256:${sha256(CONFIG)}`), (_request, response) => response.end('{"file_type":"Q8_0"}'));
    const { source } = await registryOf(QWEN, { meanwhile: changed });
    expect(await problemOfSource(source)).toMatchObject({ code: 'source-garbled', summary: expect.stringContaining('gives other bytes') });
  });

  test('whose weights have another size than the manifest says is not believed', async () => {
    const lying = only(/\/manifests\//, (_request, response) =>
      response.end(manifestOf(QWEN).replace(`"size":${WEIGHTS.length}`, '"size":77')),
    );
    const { source } = await registryOf(QWEN, { meanwhile: lying });
    expect(await problemOfSource(source)).toMatchObject({
      code: 'source-garbled',
      summary: expect.stringContaining('and 77 were expected'),
    });
  });

  test.each<[string, unknown, string, string]>([
    ['no manifest', { hello: 'world' }, 'manifest-unusable', 'is no manifest of a model'],
    ['an index', { schemaVersion: 2, manifests: [] }, 'manifest-unusable', 'is an index of images'],
    ['an old manifest', { schemaVersion: 1, fsLayers: [] }, 'manifest-unusable', 'is no manifest of a model'],
    ['a list', [], 'manifest-unusable', 'is no manifest of a model'],
    ['layers that are none', { schemaVersion: 2, layers: [null] }, 'manifest-unusable', 'names a layer without a SHA-256 digest'],
    [
      'a way out',
      { schemaVersion: 2, layers: [{ mediaType: 'x', digest: 'sha256:../../x', size: 1 }] },
      'manifest-unusable',
      'without a SHA-256 digest',
    ],
    ['a negative size', { schemaVersion: 2, layers: [{ digest: `sha256:${sha256('')}`, size: -1 }] }, 'manifest-unusable', 'and a size'],
    ['a number', 7, 'source-garbled', 'does not answer with whole JSON'],
  ])('that gives %s instead of a manifest', async (_what, body, code, told) => {
    const { source } = await registryOf(QWEN, { meanwhile: (_request, response) => (sendJson(response, 200, body), true) });
    expect(await problemOfSource(source)).toMatchObject({ code, summary: expect.stringContaining(told) });
  });
});

describe('A registry that does not look like this machine', () => {
  const trusted = certificateOfLoopback();
  beforeAll(() => tls.setDefaultCACertificates([...tls.getCACertificates('default'), trusted.cert]));

  /** 127.0.0.1 in a spelling that llmops does not take for this machine: so a registry elsewhere can be tested here. */
  const elsewhere = (host: string): string => host.replace('127.0.0.1', '0x7f.1');

  test('is asked with encryption', async () => {
    const { registry } = await registryOf(QWEN, { tls: trusted });
    const locked = await resolve(`ollama:${elsewhere(registry.host)}/acme/qwen:8b`);
    expect(locked).toMatchObject({ sha256: sha256(WEIGHTS), origin: { host: elsewhere(registry.host) } });
  });

  test('and has no encryption is refused, with the option that allows it', async () => {
    const { registry } = await registryOf();
    const host = elsewhere(registry.host);
    expect(await problemOfSource(`ollama:${host}/acme/qwen:8b`)).toMatchObject({
      code: 'registry-insecure',
      summary: `The registry ${host} speaks plain HTTP, and only registries on this machine may. Nothing was sent and nothing was changed.`,
      fix: `If the way there is safe, add ${host} to \`insecureRegistries\` in the options of the backend.`,
    });
    expect(registry.seen).toHaveLength(0);
  });

  test.each(['0x7f.1:PORT', '0X7F.1:PORT'])('and has no encryption is asked where the option names it: %s', async (entry) => {
    const { registry } = await registryOf();
    const host = elsewhere(registry.host);
    const insecureRegistries = ['other.example', entry.replace('PORT', host.split(':')[1]!)];
    expect(await resolve(`ollama:${host}/acme/qwen:8b`, { insecureRegistries })).toMatchObject({ sha256: sha256(WEIGHTS) });
  });

  test('and has a certificate that nobody vouches for is another problem', async () => {
    const { registry } = await registryOf(QWEN, { tls: certificateOfLoopback() });
    expect((await problemOfSource(`ollama:${elsewhere(registry.host)}/acme/qwen:8b`)).code).toBe('source-tls');
  });
});
