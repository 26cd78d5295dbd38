import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BackendSpec, InstanceSpec, JsonObject, ModelSpec } from '../../domain/desired.ts';
import type { Fields } from '../../domain/fields.ts';
import { checkModel } from './check.ts';
import { isServer } from './claim.ts';
import { commandFor } from './command.ts';
import { configuredOf } from './configured.ts';
import { parseHelp, parseVersion } from './detect.ts';
import { helpText, versionText } from './fake/args.ts';
import { fieldsOf } from './fields.ts';

const engineOf = (build: string) => ({
  status: 'present' as const,
  at: '/bin/llama-server',
  version: build,
  capabilities: parseHelp(helpText(build)),
});
const [current, old] = [engineOf('0.7.0'), engineOf('b4000')];
const backend: BackendSpec = {
  name: 'local',
  type: 'llama.cpp',
  reserve: { vramBytes: 0, ramBytes: 0 },
  options: { engine: 'auto', rpc: [], args: [] },
};
const artifact = { source: 'file:/w.gguf', path: '/w.gguf', bytes: 1, sha256: 'ab', gguf: null };

function modelWith(options: JsonObject, change: Partial<ModelSpec> = {}): ModelSpec {
  return {
    name: 'chat',
    backend: 'local',
    source: { kind: 'file', path: '/w.gguf', written: 'file:/w.gguf' },
    quantizations: [],
    sha256: null,
    context: null,
    parallel: 1,
    kvCache: null,
    offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
    load: 'always',
    drift: { default: 'correct', fields: {} },
    rollout: { strategy: 'auto', holdMs: 0, drainMs: 0, bakeMs: 0 },
    protect: false,
    options,
    ...change,
  };
}

function specOf(model: ModelSpec, of = backend): InstanceSpec {
  return {
    id: 'chat-1',
    stack: 's',
    backend: 'local',
    model: 'chat',
    specHash: '123',
    fields: fieldsOf(model, artifact, of),
    weights: artifact,
    options: model.options,
  };
}

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const count = fc.integer({ min: 1, max: 100_000 });
const models: fc.Arbitrary<ModelSpec> = fc
  .record({
    context: maybe(count),
    parallel: fc.integer({ min: 1, max: 64 }),
    kvCache: maybe(fc.constantFrom('f16', 'q8_0', 'q4_0')),
    offload: fc.record({
      gpuLayers: maybe(fc.oneof(fc.integer({ min: 0, max: 998 }), fc.constant('all' as const))),
      cpuMoeLayers: maybe(fc.nat(200)),
      devices: maybe(fc.subarray(['CUDA0', 'CUDA1'], { minLength: 1 })),
    }),
    options: fc.record({
      flashAttention: fc.constantFrom('auto', 'on', 'off'),
      batch: maybe(count),
      ubatch: maybe(count),
      threads: maybe(count),
      loadMode: fc.constantFrom('auto', 'none', 'mmap', 'mlock', 'dio'),
      kvUnified: maybe(fc.boolean()),
      cacheRam: maybe(fc.nat(2 ** 36)),
      port: maybe(fc.integer({ min: 1, max: 65_535 })),
      overrideTensor: fc.subarray(['exps=CPU', 'ffn=CPU']),
      tensorSplit: maybe(fc.array(count, { minLength: 1, maxLength: 3 })),
      splitMode: maybe(fc.constantFrom('none', 'layer')),
      mainGpu: maybe(fc.nat(8)),
      metrics: fc.boolean(),
      apiKey: maybe(fc.constant({ env: 'KEY', file: null, command: null })),
      chatTemplate: maybe(fc.constantFrom('chatml', 'llama3')),
      args: fc.constantFrom([], ['--no-warmup'], ['--seed', '1'], ['--x', 'two words']),
    }),
  })
  .map(({ options, ...change }) => modelWith(options, change as Partial<ModelSpec>));

/** What the arguments can tell: the weights are told by their digest, and by the mark. */
function tellable(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== 'source' && field !== 'digest'));
}

describe('The command line', () => {
  it('tells every setting, so that it can be read back from the process', () => {
    fc.assert(
      fc.property(models, count, (model, anyPort) => {
        const port = typeof model.options['port'] === 'number' ? model.options['port'] : anyPort;
        const command = commandFor(specOf(model), port, current, backend);
        expect(configuredOf({ args: [command.file, ...command.args], env: command.env })).toEqual(tellable(specOf(model).fields));
      }),
    );
  });

  it('reads a template where it is kept, which is no other setting than the path as written', () => {
    const spec = { ...specOf(modelWith({ chatTemplateFile: 'chat.jinja' })), attachments: { 'chat.jinja': 'd'.repeat(64) } };
    const [written, kept] = [(path: string) => path, (path: string) => `/state/files/${path.length}`].map((fileAt) =>
      commandFor(spec, 1, current, backend, fileAt),
    );
    expect([written!.args.includes('chat.jinja'), kept!.args.includes('/state/files/10')]).toEqual([true, true]);
    expect(configuredOf(kept!)).toEqual(configuredOf(written!));
  });

  it('sums the context over the slots, as llama-server counts it', () => {
    const { args } = commandFor(specOf(modelWith({}, { context: 1000, parallel: 4 })), 1, current, backend);
    expect(args.join(' ')).toContain('--parallel 4 --ctx-size 4000');
  });

  it('listens on loopback only and offers no page', () => {
    const { args } = commandFor(specOf(modelWith({})), 4711, current, backend);
    expect(args.join(' ')).toContain('--host 127.0.0.1 --port 4711 --alias chat --tags llmops-123');
    expect(args).toEqual(expect.arrayContaining(['--no-ui', '--offline', '--slots']));
  });

  it('speaks to older builds in their flags', () => {
    const words = (options: JsonObject, engine = old) =>
      commandFor(
        specOf(modelWith(options, { offload: { gpuLayers: 'all', cpuMoeLayers: null, devices: null } })),
        1,
        engine,
        backend,
      ).args.join(' ');
    expect(words({ loadMode: 'none' })).toContain('--no-mmap');
    expect(words({ loadMode: 'none' }, current)).toContain('--load-mode none');
    expect(words({ loadMode: 'mlock' })).toContain('--mlock');
    expect(words({ flashAttention: 'on' })).toMatch(/--flash-attn(?! on)/);
    expect(words({})).toContain('--gpu-layers 999');
    expect(words({})).toContain('--no-webui');
    expect(words({})).not.toMatch(/--offline|--tags|--log-verbosity/);
  });

  it('drops no setting in silence: what a build has no flag for is an error', () => {
    for (const options of [{ loadMode: 'dio' }, { cacheRam: 1 }, { kvUnified: true }]) {
      expect(() => commandFor(specOf(modelWith(options)), 1, old, backend), JSON.stringify(options)).toThrowError(/has no flag for/);
    }
  });
});

describe('Detection', () => {
  it('reads versions of both kinds', () => {
    expect([parseVersion(versionText('0.7.0')), parseVersion(versionText('b4000')), parseVersion('hello')]).toEqual([
      '0.7.0',
      'b4000',
      'unknown',
    ]);
  });

  it('reads flags, their short forms and the types of KV cache from the help', () => {
    expect(current.capabilities).toEqual(
      expect.arrayContaining([
        '--load-mode',
        '-lm',
        '-ngl',
        '--no-webui',
        'kv:q8_0',
        'kv:iq4_nl',
        'gpu-layers:all',
        'flash-attn:value',
        'verbosity:levels',
      ]),
    );
    expect(old.capabilities).toEqual(expect.arrayContaining(['--no-mmap', '-ngl']));
    expect(old.capabilities.filter((name) => /load-mode|:all|:value|:levels/.test(name))).toEqual([]);
  });
});

describe('A process of somebody else', () => {
  it('is a server by its program, unless it was told to print something and end, as whoever asks for its version does', () => {
    expect(isServer(['/usr/bin/llama-server', '-m', 'chat.gguf'])).toBe(true);
    expect(isServer(['sh', '/opt/bin/llama-server'])).toBe(true);
    expect(isServer(['vim', 'notes-on-llama-server'])).toBe(false);
    for (const flag of ['--version', '--help', '-h', '--usage', '--list-devices'])
      expect(isServer(['/usr/bin/llama-server', flag]), flag).toBe(false);
  });
});

describe('A plan', () => {
  const observed = (engine: typeof current) => ({
    status: 'reachable' as const,
    name: 'local',
    type: 'llama.cpp',
    engine,
    instances: [],
    memory: [],
  });
  const gguf = {
    architecture: 'llama',
    name: null,
    quantization: null,
    contextTrained: 1024,
    layers: 4,
    embedding: 1,
    heads: 1,
    kvHeads: 1,
    keyLength: 1,
    valueLength: 1,
    vocabulary: 1,
    experts: null,
    tensorBytes: 1,
  };
  const codes = (model: ModelSpec, engine = current) =>
    checkModel(model, { ...artifact, gguf }, backend, observed(engine)).map(({ code }) => code);

  it('accepts what the engine can do', () => {
    expect(codes(modelWith({ args: ['--no-warmup'] }, { context: 1024, kvCache: 'q8_0' }))).toEqual([]);
  });

  it('refuses a context that llama-server would shrink without a word, and says both numbers', () => {
    const [problem] = checkModel(modelWith({}, { context: 2048 }), { ...artifact, gguf }, backend, observed(current));
    expect(problem).toMatchObject({ code: 'context-exceeds-model', severity: 'error' });
    expect(problem?.summary).toMatch(/2048.*1024/);
  });

  it('refuses what this build cannot do', () => {
    expect(codes(modelWith({ loadMode: 'dio' }), old)).toEqual(['engine-cannot']);
    expect(codes(modelWith({}, { kvCache: 'q9_9' }))).toEqual(['engine-cannot']);
    expect(codes(modelWith({ flashAttention: 'off' }, { kvCache: 'q8_0' }))).toEqual(['engine-cannot']);
    expect(codes(modelWith({ args: ['--not-a-flag'] }))).toEqual(['engine-cannot']);
  });

  it('refuses flags that would take the server out of our hands', () => {
    for (const word of ['--port', '-c', '--api-key=x', '-hf', '--models-dir', '--host'])
      expect(codes(modelWith({ args: [word] })), word).toContain('flag-managed');
  });

  it('warns of flags that give power over the machine to whoever reaches the port, unless a key is asked for', () => {
    const key = { env: 'KEY', file: null, command: null };
    const known = { ...current, capabilities: [...current.capabilities, '--tools', '--agent', '--ui-mcp-proxy'] };
    for (const args of [['--tools', 'all'], ['--agent'], ['--ui-mcp-proxy']]) {
      const found = checkModel(modelWith({ args }), { ...artifact, gguf }, backend, observed(known));
      expect(found).toMatchObject([{ code: 'engine-exposed', severity: 'warning', summary: expect.stringContaining(args[0] as string) }]);
      expect(codes(modelWith({ args, apiKey: key }), known)).toEqual([]);
    }
  });

  it('says what to install where there is no engine', () => {
    const problem = { severity: 'error' as const, code: 'engine-absent', summary: 'none' };
    const world = { ...observed(current), engine: { status: 'absent' as const, problem } };
    expect(checkModel(modelWith({}), artifact, backend, world)).toEqual([problem]);
  });
});
