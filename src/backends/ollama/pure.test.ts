import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/desired.ts';
import { explain } from './explain.ts';
import { configuredOf, createParameters, declaredParameters, loadedOf, sameRunner } from './fields.ts';
import { instanceText, readInstanceMark, readWeightsMark, weightsText, type InstanceMark } from './marker.ts';
import { baseKey, baseName, derivedName, fullName, isOurs, keptName, parseDerived, shortName, tagName } from './names.ts';
import { readParameters, readRows, readShown, readTags } from './shown.ts';
import { compareVersions } from './version.ts';

const hex = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

describe('Names', () => {
  it.each([
    ['chat', 'registry.ollama.ai/library/chat:latest', 'chat'],
    ['Chat:LATEST', 'registry.ollama.ai/library/chat:latest', 'chat'],
    ['qwen3:8b', 'registry.ollama.ai/library/qwen3:8b', 'qwen3:8b'],
    ['me/x', 'registry.ollama.ai/me/x:latest', 'me/x'],
    ['hf.co/Me/X-GGUF:Q4_K_M', 'hf.co/me/x-gguf:q4_k_m', 'hf.co/me/x-gguf:q4_k_m'],
    ['127.0.0.1:5000/me/x', '127.0.0.1:5000/me/x:latest', '127.0.0.1:5000/me/x'],
    ['registry.ollama.ai/library/x:latest', 'registry.ollama.ai/library/x:latest', 'x'],
  ])('%s is read as Ollama reads it', (written, full, short) => {
    expect([fullName(written), shortName(written), shortName(full)]).toEqual([full, short, short]);
  });

  it('of tags in registries keep their case, for whoever minds it', () => {
    expect(tagName({ host: 'hf.co', name: 'Me/X-GGUF', tag: 'Q4_K_M' })).toBe('hf.co/Me/X-GGUF:Q4_K_M');
    expect(tagName({ host: 'registry.ollama.ai', name: 'library/qwen3', tag: '8b' })).toBe('qwen3:8b');
    expect(tagName({ host: 'registry.ollama.ai', name: 'me/x', tag: 'latest' })).toBe('me/x:latest');
  });

  it('of copies can be read back, whatever the stack and the model are called, and fit into 80 characters', () => {
    const names = fc.stringMatching(NAME);
    const parts = fc.record({ model: names, specHash: hex(12), stackId: hex(16), backendId: hex(8), blobId: hex(12) });
    fc.assert(
      fc.property(parts, names, (derived, stack) => {
        const name = derivedName(derived, stack);
        expect(parseDerived(name)).toEqual(derived);
        expect(parseDerived(name.toUpperCase())).toEqual(derived);
        expect(name.split(/[/:]/).every((part) => part.length <= 80)).toBe(true);
        expect(name).not.toMatch(/cloud$/); // it would be sent to ollama.com
        expect(isOurs(name)).toBe(true);
      }),
    );
  });

  it('of others are not taken for ours', () => {
    for (const name of [
      'chat',
      'llmops',
      'me/llmops:x',
      'hf.co/llmops/chat:x',
      'llmops/chat:latest',
      baseName('ab'.repeat(32)),
      keptName('chat'),
    ])
      expect(parseDerived(name)).toBeNull();
    expect([baseKey(baseName('ab'.repeat(32))), baseKey('llmops/base:latest'), baseKey('me/base:x')]).toEqual([
      'ab'.repeat(32),
      null,
      null,
    ]);
    expect(keptName('Chat')).toBe(keptName('registry.ollama.ai/library/chat:latest'));
  });
});

describe('Answers', () => {
  it('of parameters are read as Go writes them', () => {
    const text = [
      'use_mmap                       false',
      'num_ctx                        512',
      'seed                           1e+07',
      'top_p                          1e-07',
      'stop                           "a\\n\\"b\\" \\u00e9 \\U0001f600 \\x00"',
      'stop                           "b"',
      'odd                            "x"',
      'min_p',
    ].join('\n');
    const read = { use_mmap: false, num_ctx: 512, seed: 1e7, top_p: 1e-7, stop: ['a\n"b" é 😀 \0', 'b'], odd: 'x' };
    expect(readParameters(text)).toEqual(read);
  });

  it('that lie, or are of another kind, are read as far as they can be', () => {
    fc.assert(
      fc.property(fc.anything(), (junk) => {
        for (const read of [readTags, readRows]) expect(Array.isArray(read(junk)) || read(junk) === null).toBe(true);
        expect(readShown(junk).blob).toBeNull();
      }),
    );
    expect(readRows({ models: [{ name: 'x', digest: 'd', size: -1, size_vram: 'all', context_length: 0 }, 1, null] })).toEqual([
      { name: 'x', digest: 'd', bytes: null, vramBytes: null, context: null, expiresAt: null, endless: false },
    ]);
  });

  it('name weights by their first FROM alone: a prompt can hold others', () => {
    const blob = 'ab'.repeat(32);
    const modelfile = `# FROM me/x\n\nFROM /m/blobs/sha256-${blob}\nSYSTEM """\nFROM /m/blobs/sha256-${'cd'.repeat(32)}\n"""`;
    expect(readShown({ modelfile }).blob).toBe(blob);
    expect(readShown({ modelfile: `FROM me/x\n${modelfile}` }).blob).toBeNull();
  });

  it('tell in the Modelfile alone what renders, what parses, and what lies beside the weights; what a text quotes is none of it', () => {
    const [blob, other] = ['ab'.repeat(32), 'cd'.repeat(32)];
    const quoted = 'PARSER evil\nFROM x\n"DRAFT y"';
    const modelfile = [
      '# Modelfile generated by "ollama show"',
      '',
      `FROM /m/blobs/sha256-${blob}`,
      `FROM /m/blobs/sha256-${other}`,
      'TEMPLATE "{{ .Prompt }}\nRENDERER evil"',
      `SYSTEM """${quoted}"""`,
      'RENDERER qwen3-coder',
      'PARSER qwen3',
      'PARAMETER stop a',
      `LICENSE """${quoted}"""`,
      '',
    ].join('\n');
    const shown = readShown({ modelfile });
    expect(shown).toMatchObject({ blob, renderer: 'qwen3-coder', parser: 'qwen3', extras: ['the projector cdcdcdcdcdcd'] });
    expect(readShown({ modelfile: `FROM /m/blobs/sha256-${blob}\nDRAFT /m/d\n` }).extras).toEqual(['the draft model /m/d']);
  });

  it('say what they bring that llmops has no key for', () => {
    expect(readShown({ modelfile: 'FROM /m/x\nADAPTER /m/y\n', messages: [{ role: 'user', content: 'a' }] }).extras).toEqual([
      'adapters',
      'messages',
    ]);
    expect(readShown({ modelfile: 'FROM /m/x\nSYSTEM no ADAPTER here\n', messages: [] }).extras).toEqual([]);
  });
});

describe('Marks', () => {
  const mark: InstanceMark = {
    v: 1,
    stackId: '0'.repeat(16),
    stack: 'home',
    backend: 'here',
    model: 'chat',
    id: 'chat-0',
    specHash: '0',
    digest: 'aa',
    blob: 'aa',
    keepAlive: null,
    parameters: ['top_k'],
  };

  it('are read back from between the licences of a model, the last one counting', () => {
    const license = `MIT License\n${weightsText({ v: 1, key: 'k', blob: 'b' })}\n${instanceText({ ...mark, model: 'old' })}\n${instanceText(mark)}`;
    expect(readInstanceMark(license)).toEqual(mark);
    expect(readWeightsMark(license)).toEqual({ v: 1, key: 'k', blob: 'b' });
  });

  it('that are torn, of a later version or missing are none', () => {
    for (const text of [
      '',
      'llmops-instance: {',
      'llmops-instance: {"v":2}',
      'llmops-instance: null',
      'llmops-instance: {"v":1}',
      'x llmops-instance: {}',
    ])
      expect(readInstanceMark(text)).toBeNull();
    expect(readWeightsMark('llmops-weights: {"v":1,"key":1}')).toBeNull();
  });
});

describe('Settings', () => {
  const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });
  const loads = fc.record({
    context: maybe(fc.integer({ min: 1, max: 1e6 })),
    'offload.gpuLayers': maybe(fc.oneof(fc.integer({ min: 0, max: 998 }), fc.constant('all'))),
    'options.batch': maybe(fc.integer({ min: 1, max: 1e6 })),
    'options.threads': maybe(fc.integer({ min: 1, max: 4096 })),
    'options.mmap': maybe(fc.boolean()),
    'options.mainGpu': maybe(fc.integer({ min: 0, max: 8 })),
  });
  const texts = fc.array(fc.string({ minLength: 1 }), { minLength: 1 });
  const defaults = fc.record(
    { temperature: fc.double({ min: 0, max: 2, noNaN: true }), top_k: fc.nat(), stop: texts },
    { requiredKeys: [] },
  );

  it('come back as they were told, through the text that the server shows', () => {
    fc.assert(
      fc.property(loads, defaults, (fields, parameters) => {
        const told = createParameters({ fields, options: { parameters } as unknown as JsonObject });
        const shown = { ...readShown({}), parameters: readParameters(goText(told)) };
        const configured = configuredOf(shown, Object.keys(declaredParameters({ parameters } as unknown as JsonObject)));
        for (const [field, value] of Object.entries(fields)) expect(configured[field] ?? null).toBe(value);
        const again = configuredOf({ ...shown, parameters: told }, Object.keys(parameters));
        expect(configured['options.parameters']).toBe(again['options.parameters']);
      }),
    );
  });

  it('share a runner exactly if they load alike; prompts and request defaults do not count', () => {
    const a = { context: 1, 'options.system': 'x', 'options.parameters': 'top_k 1', 'options.keepAlive': 5 };
    expect(sameRunner(a, { context: 1 })).toBe(true);
    for (const other of [{ context: 2 }, {}, { context: 1, 'offload.gpuLayers': 0 }, { context: 1, 'options.mmap': false }])
      expect(sameRunner(a, other)).toBe(false);
  });

  it.each([
    // asked, of all, on GPUs, layers: what can be said
    ['all', 100, 100, 5, 'all'],
    ['all', 100, 40, 5, 'some'],
    ['all', 100, 0, 5, 0],
    ['all', 0, 0, 5, 0], // it says that all are offloaded, and there is no GPU
    ['all', null, null, 5, null],
    [0, 100, 0, 5, 0],
    [0, 100, 20, 5, null], // a CPU with AMX
    [0, 100, 100, 5, null], // the log told nothing, and the size of the file stands for both
    [3, 100, 60, 5, null],
    [3, 100, 0, 5, 0],
    [3, 100, 100, 5, 'all'],
    [99, 100, 100, 5, 99],
    [99, 100, 100, null, 99],
    [null, 100, 100, 5, 'all'],
    [null, 100, 40, 5, null],
  ] as const)('asked for %s layers, with %s bytes and %s of them on GPUs, of %s layers: %s', (asked, bytes, vramBytes, layers, said) => {
    const row = { name: 'x', digest: 'd', bytes, vramBytes, context: 512, expiresAt: null, endless: false };
    expect(loadedOf(row, { 'offload.gpuLayers': asked }, layers)).toEqual({ context: 512, 'offload.gpuLayers': said });
  });
});

it.each([
  ['0.34.4', '0.30.0', 1],
  ['0.9.1', '0.30.0', -1],
  ['0.33.0-rc2', '0.33.0', 0],
  ['v1.0', '0.99.99', 1],
  ['unknown', '0.0.0', 0],
])('version %s against %s', (a, b, order) => {
  expect(Math.sign(compareVersions(a, b))).toBe(order);
});

it.each([
  ['pull model manifest: file does not exist', 'weights-missing'],
  ['pull model manifest: 412: {"error":"requires a newer version of Ollama"}', 'engine-too-old'],
  ['pull model manifest: Get "https://x/v2/": http: server gave HTTP response to HTTPS client', 'registry-insecure'],
  ['pull model manifest: Get "https://x/v2/a": dial tcp: lookup x: no such host', 'registry-unreachable'],
  ['pull model manifest: 401: unauthorized', 'registry-refused'],
  ['pull model manifest: context deadline exceeded', 'registry-unreachable'],
  ['unexpected EOF', 'weights-damaged'],
  ['write /models/blobs/sha256-x-partial: no space left on device', 'disk-full'],
  ['digest mismatch, file must be downloaded again: want sha256:a, got sha256:b', 'weights-corrupt'],
  ['digest mismatch, expected "sha256:a", got "sha256:b"', 'weights-changed'],
  ['this model requires MLX support, but the MLX runtime is not available', 'engine-cannot'],
  ['unsupported tensor "token_embd.weight" size overflows', 'weights-unsupported'],
  ['unsupported tensor "blk.1.ffn_up.weight" offset+size exceeds file size', 'weights-damaged'],
  ["llama-server process has terminated: exit status 1: error loading model: unknown model architecture: 'llamx'", 'weights-unsupported'],
  ['llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory', 'out-of-memory'],
  ['V cache type q8_0 with block size 32 does not divide n_embd_head_v=72', 'engine-setting-refused'],
  ['option "num_ctx" must be of type integer', 'engine-setting-refused'],
  ['template error: template: :1: unclosed action', 'engine-setting-refused'],
  ['timed out waiting for llama-server to start - progress 0.00', 'engine-timeout'],
  ['error starting llama-server: llama-server binary not found (checked: /x)', 'engine-broken'],
  ['server busy, please try again.  maximum pending requests exceeded', 'engine-busy'],
  ['llama-server process has terminated: signal: killed', 'engine-crashed'],
  ['something new', 'engine-refused-request'],
])('Ollama says "%s", which is %s', (text, code) => {
  const problem = explain(text, 'Loading chat');
  expect(problem).toMatchObject({ severity: 'error', code });
  expect(problem.summary).toMatch(/^Loading chat: .*\.$/);
});

it('What Ollama says of a connection is of the registry only while it pulls', () => {
  expect(explain('max retries exceeded: unexpected EOF', 'Pulling x', true).code).toBe('registry-unreachable');
  expect(explain('context deadline exceeded', 'Loading chat').code).toBe('engine-refused-request');
});

/** As the server shows parameters: `%-30s %#v`. */
function goText(parameters: JsonObject): string {
  const go = (value: unknown): string => {
    const text = JSON.stringify(value);
    return typeof value === 'number' && Math.abs(value) >= 1e6 ? value.toExponential().replace(/e\+(\d)$/, 'e+0$1') : text;
  };
  const lines = Object.entries(parameters).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, go(one)]),
  );
  return lines.map(([name, value]) => `${name?.padEnd(30)} ${value}`).join('\n');
}
