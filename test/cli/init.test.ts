import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { firstFile, safeName, type FirstFile } from '../../src/cli/first-file.ts';
import { pickModels } from '../../src/cli/pick-models.ts';
import { schemaReference } from '../../src/cli/schema-path.ts';
import { sha256 } from '../../src/stack/sha256.ts';
import { readConfig } from '../../src/config/index.ts';
import type { Desired } from '../../src/domain/desired.ts';
import type { FoundEngine, FoundWeights } from '../../src/discover/index.ts';
import { newWorld, type World, type WorldOptions } from './context.ts';

const examples = resolve(import.meta.dirname, '../../examples/models');
const GIB = 1024 ** 3;

/** What a text declares; fails on any problem in it. */
function declared(text: string): Desired {
  const { desired, problems } = readConfig({
    file: 'llmops.yaml',
    bytes: Buffer.from(text),
    folderName: 'folder',
    environment: null,
    hash: sha256,
  });
  expect(problems).toEqual([]);
  return desired as Desired;
}

function writeProgram(world: World, name: string, body: string): void {
  const file = join(world.env['PATH'] as string, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

function worldWithModels(names: readonly string[], options: WorldOptions = {}): World {
  const world = newWorld(options);
  for (const name of names) {
    mkdirSync(dirname(join(world.cwd, name)), { recursive: true });
    copyFileSync(join(examples, basename(name)), join(world.cwd, name));
  }
  return world;
}

const written = (world: World, name = 'llmops.yaml'): string => readFileSync(join(world.cwd, name), 'utf8');

describe('init', () => {
  it('without an engine declares the embedded one, with the best quantization that fits', async () => {
    const world = worldWithModels(['models/desk-Q2_K.gguf', 'models/desk-Q8_0.gguf']);
    expect(await world.llmops('init')).toBe(0);
    const desired = declared(written(world));
    expect(desired.backends).toMatchObject([{ name: 'local', type: 'embedded' }]);
    expect(desired.models).toMatchObject([{ name: 'desk', source: { written: 'file:models/desk-Q8_0.gguf' }, context: 1024 }]);
    expect(written(world)).toContain('# also here: models/desk-Q2_K.gguf');
    expect(world.stdout.text).toContain('Wrote llmops.yaml: 1 model, on embedded.');
    expect(world.stdout.text).toMatch(/Next: llmops plan\n$/);
  });

  it('with llama-server on PATH declares it, and says which GPUs there are', async () => {
    const world = worldWithModels(['desk-Q8_0.gguf']);
    writeProgram(world, 'llama-server', 'echo "version: 0.7.0 (build 1)" >&2');
    writeProgram(world, 'nvidia-smi', 'echo "NVIDIA H200, 143771, 143155, 570.1"');
    expect(await world.llmops('init')).toBe(0);
    const [backend] = declared(written(world)).backends;
    expect(backend).toMatchObject({ type: 'llama.cpp', reserve: { vramBytes: GIB } });
    expect(world.stdout.text).toContain('llama-server 0.7.0');
    expect(world.stdout.text).toContain('NVIDIA H200, 139.8 of 140.4 GiB free');
  });

  it('without weights writes a valid file that shows how to get some, and the shown part is valid too', async () => {
    const world = newWorld();
    expect(await world.llmops('init')).toBe(0);
    expect(declared(written(world)).models).toEqual([]);
    const shown = written(world)
      .split('\n')
      .filter((line) => line !== 'models: {}')
      .map((line) => line.replace(/^# (?=models:| +(?:chat|backend|source|quantization|context|parallel):)/, ''));
    expect(declared(shown.join('\n')).models).toMatchObject([{ name: 'chat', source: { kind: 'hf' } }]);
    expect(world.stdout.text).toMatch(/put a model into it .*, then llmops lock and llmops plan\n$/);
  });

  it('leaves out a damaged file, says so, and takes the next best', async () => {
    const world = worldWithModels(['desk-Q2_K.gguf']);
    writeFileSync(join(world.cwd, 'desk-F16.gguf'), `GGUF${'x'.repeat(5_000_000)}`);
    expect(await world.llmops('init')).toBe(0);
    expect(declared(written(world)).models).toMatchObject([{ source: { written: 'file:desk-Q2_K.gguf' } }]);
    expect(world.stdout.text).toContain('left out: desk-F16.gguf: not a whole GGUF file');
  });

  it('never overwrites', async () => {
    const world = newWorld();
    writeFileSync(join(world.cwd, 'llmops.yaml'), 'mine\n');
    expect(await world.llmops('init')).toBe(1);
    expect(world.stderr.text).toContain('It was left as it is.');
    expect(written(world)).toBe('mine\n');
  });

  it('--stdout prints the file alone on stdout and writes nothing, also beside an existing one', async () => {
    const world = worldWithModels(['desk-Q2_K.gguf']);
    writeFileSync(join(world.cwd, 'llmops.yaml'), 'mine\n');
    expect(await world.llmops('init', '--stdout')).toBe(0);
    expect(declared(world.stdout.text).models).toHaveLength(1);
    expect(world.stderr.text).toContain('Found on this machine:');
    expect(written(world)).toBe('mine\n');
  });

  it('-f and -C say where; the next command is named with them', async () => {
    const world = worldWithModels(['sub/models/desk-Q2_K.gguf']);
    expect(await world.llmops('init', '-C', 'sub', '-f', 'lab.yaml')).toBe(0);
    expect(declared(written(world, 'sub/lab.yaml')).models).toHaveLength(1);
    expect(world.stdout.text).toContain('Next: llmops plan -C sub -f lab.yaml');
  });

  it('a folder that is not there is an error', async () => {
    const world = newWorld();
    expect(await world.llmops('init', '-C', 'nowhere')).toBe(1);
    expect(world.stderr.text).toContain('There is no folder');
  });

  it('what it writes is formatted as fmt wants it', async () => {
    const world = worldWithModels(['desk-Q2_K.gguf', 'models/desk-Q8_0.gguf']);
    await world.llmops('init');
    expect(await world.llmops('fmt', '--check')).toBe(0);
  });
});

const weights = (path: string, gib: number): FoundWeights => ({ path, bytes: gib * GIB });

/** The files that are chosen with this much memory. */
const chosen = (found: readonly FoundWeights[], gib: number): readonly string[] =>
  pickModels(found, gib * GIB).map((pick) => pick.weights.path);

describe('The name that a new file gets', () => {
  const owned = (world: World, name: string, file: string): void => {
    mkdirSync(world.stateDir(name), { recursive: true });
    writeFileSync(join(world.stateDir(name), 'stack.json'), JSON.stringify({ formatVersion: '1.0', file }));
  };

  it('is its folder’s, unless another file has that: then a further one, and it says so', async () => {
    const world = worldWithModels(['desk-Q8_0.gguf']);
    writeFileSync(join(world.cwd, 'other.yaml'), '');
    owned(world, 'desk', realpathSync(join(world.cwd, 'other.yaml')));
    expect(await world.llmops('init')).toBe(0);
    const parent = safeName(basename(dirname(world.cwd)), '');
    expect(declared(written(world)).stack).toBe(safeName(`${parent}-desk`, ''));
    expect(world.stdout.text).toMatch(/The stack is called \S+-desk, as desk is the name of .*other\.yaml\./);
  });

  it('is its own again when it is written anew', async () => {
    const world = worldWithModels(['desk-Q8_0.gguf']);
    owned(world, 'desk', join(realpathSync(world.cwd), 'llmops.yaml'));
    expect(await world.llmops('init')).toBe(0);
    expect(declared(written(world)).stack).toBe('desk');
  });
});

describe('The schema that a new file names to editors', () => {
  const made = (...paths: readonly string[]): string => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'llmops-schema-')));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), '{}');
    }
    return root;
  };
  const INSTALLED = 'node_modules/llmops/schemas/llmops.schema.json';

  it('is the one that was installed in the folder or above it, by a path that is true for every clone', () => {
    const root = made(INSTALLED, 'stacks/home/llmops.yaml');
    expect(schemaReference(root, '/opt/llmops')).toBe(`./${INSTALLED}`);
    expect(schemaReference(join(root, 'stacks/home'), '/opt/llmops')).toBe(`../../${INSTALLED}`);
  });

  it('is this program’s own where llmops is installed for the whole machine', () => {
    expect(schemaReference(made(), '/opt/llmops')).toBe('/opt/llmops/schemas/llmops.schema.json');
    expect(schemaReference(made(), '/opt/my tools/llmops')).toBe('file:///opt/my%20tools/llmops/schemas/llmops.schema.json');
  });

  it('is there', async () => {
    const world = worldWithModels(['desk-Q8_0.gguf']);
    await world.llmops('init');
    const [, path = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(written(world)) ?? [];
    expect(existsSync(resolve(world.cwd, path))).toBe(true);
  });
});

describe('The choice of models', () => {
  it('takes the largest quantization that leaves memory for everything else', () => {
    const family = [weights('q-Q2_K.gguf', 3), weights('q-Q4_K_M.gguf', 5), weights('q-Q8_0.gguf', 8), weights('q-F16.gguf', 16)];
    expect(chosen(family, 64)).toEqual(['q-F16.gguf']);
    expect(chosen(family, 10)).toEqual(['q-Q4_K_M.gguf']);
    expect(chosen(family, 4)).toEqual([]);
  });

  it('takes at most three, which fit together', () => {
    const found = ['a', 'b', 'c', 'd'].map((name) => weights(`${name}-Q4_0.gguf`, 2));
    expect(chosen(found, 100)).toEqual(['a-Q4_0.gguf', 'b-Q4_0.gguf', 'c-Q4_0.gguf']);
    expect(chosen(found, 9)).toEqual([]);
  });

  it('gives models of one name in two folders two names', () => {
    expect(pickModels([weights('a/chat-Q4_0.gguf', 1), weights('b/chat-Q4_0.gguf', 1)], 100 * GIB).map((pick) => pick.name)).toEqual([
      'chat',
      'chat-2',
    ]);
  });

  it('leaves out paths that cannot stand in llmops.yaml', () => {
    expect(chosen([weights('models/a\nb.gguf', 1)], 100)).toEqual([]);
  });
});

describe('Names and paths', () => {
  it('become names that the schema takes', () => {
    expect(safeName('Qwen3 8B (new)', 'x')).toBe('qwen3-8b-new');
    expect(safeName('Übung', 'x')).toBe('u-bung');
    expect(safeName('模型', 'chat')).toBe('chat');
    expect(safeName('constructor', 'chat')).toBe('chat');
  });

  const engines: FoundEngine[] = [{ name: 'llama-server', at: '/x', version: '1 # two\n: 3' }];
  const machine: FirstFile['machine'] = { engines, gpus: [], host: { system: '', cpus: 1, ramBytes: GIB, availableBytes: GIB } };

  it('of any kind give a file that is valid and means that very path', () => {
    const path = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).filter((text) => !/^\/|(^|\/)\.\.?(\/|$)|\/\/|\/$/.test(text));
    fc.assert(
      fc.property(fc.array(path, { maxLength: 4 }), fc.string({ unit: 'binary' }), (paths, folder) => {
        const picks = pickModels(
          paths.map((name) => ({ path: `${name}.gguf`, bytes: 1 })),
          100 * GIB,
        ).map((pick) => ({ ...pick, contextTrained: null }));
        const { models } = declared(firstFile({ stack: safeName(folder, 'models'), machine, picks, schema: './s.json' }));
        const sources = models.map((model) => model.source.written.replace(/^file:(\.\/)?/, ''));
        expect(sources.sort()).toEqual(picks.map((pick) => pick.weights.path.replace(/^\.\//, '')).sort());
      }),
      { numRuns: 300 },
    );
  });
});
