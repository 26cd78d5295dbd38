import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderChecks, type Check } from '../../src/cli/doctor/check.ts';
import { checkNode } from '../../src/cli/doctor/program.ts';
import type { Backend } from '../../src/domain/backend.ts';
import type { ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import { tinyGguf } from '../catalog/tiny.ts';
import { standIn } from '../world/stand-in.ts';
import { newWorld, type World, type WorldOptions } from './context.ts';

const STACK =
  'version: 1\nname: desk\nbackends:\n  local: { type: llama.cpp }\nmodels:\n  chat: { backend: local, source: "file:a.gguf" }\n';

const PRESENT = { status: 'present', at: '/opt/engine', version: '1.0', capabilities: [] } as const;
const ABSENT = {
  status: 'absent',
  problem: { severity: 'error', code: 'engine-absent', summary: 'no engine is installed', fix: 'Install one.' },
} as const;

/** Backends that see this, whatever is asked. Everything but looking is a mistake. */
function seeing(
  seen: Pick<Extract<ObservedBackend, { status: 'reachable' }>, 'engine' | 'instances'>,
): NonNullable<WorldOptions['backends']> {
  const backend = {
    ...standIn,
    connect: (spec: { readonly name: string }) => ({
      observe: async () => ({ status: 'reachable', name: spec.name, type: 'llama.cpp', memory: [], ...seen }),
    }),
  };
  return async () => ({ 'llama.cpp': backend as unknown as Backend });
}

function instance(changes: Partial<ObservedInstance>): ObservedInstance {
  const shape = {
    configured: {},
    loaded: null,
    activeRequests: null,
    memoryBytes: null,
    startedAt: null,
    process: { pid: 4711, started: 'x' },
    logFile: null,
    problem: null,
    endpoint: null,
  };
  return {
    id: 'chat-00000000000a',
    owner: 'ours',
    backend: 'local',
    model: 'chat',
    specHash: '00000000000a',
    phase: 'serving',
    ...shape,
    ...changes,
  };
}

function worldWithStack(options: WorldOptions = {}, text = STACK): World {
  const world = newWorld(options);
  writeFileSync(join(world.cwd, 'llmops.yaml'), text);
  writeFileSync(join(world.cwd, 'a.gguf'), tinyGguf());
  return world;
}

function writeState(world: World, name: string, content: unknown): void {
  mkdirSync(world.stateDir('desk'), { recursive: true });
  writeFileSync(join(world.stateDir('desk'), name), JSON.stringify(content));
}

async function checksOf(world: World): Promise<{ readonly code: number; readonly checks: readonly Check[]; readonly ok: boolean }> {
  const code = await world.llmops('doctor', '--json');
  return { code, ...(JSON.parse(world.stdout.text) as { checks: Check[]; ok: boolean }) };
}

const only = (checks: readonly Check[], id: string): readonly string[] =>
  checks.filter((check) => check.id === id).map((check) => `${check.status}: ${check.summary}`);

describe('doctor', () => {
  it('passes on a sound machine with a valid stack that runs', async () => {
    const { code, ok, checks } = await checksOf(worldWithStack({ backends: seeing({ engine: PRESENT, instances: [instance({})] }) }));
    expect(checks.filter((check) => check.status === 'fail')).toEqual([]);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(only(checks, 'file')).toEqual(['ok: llmops.yaml is valid: 1 model, 1 backend']);
    expect(only(checks, 'lease')).toEqual(['ok: The lease is free: nothing is changing this stack.']);
    expect([...only(checks, 'instances'), ...only(checks, 'model')]).toEqual([]);
  });

  it('fails for each model that does not serve, and warns where nobody can tell', async () => {
    const gone = worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) });
    const applied = { chat: { backend: 'local', specHash: '00000000000a', fields: {}, protect: false, generation: 1, at: '' } };
    writeState(gone, 'inventory.json', { formatVersion: '1.0', generation: 1, appliedAt: '', backends: [], models: applied });
    const dead = await checksOf(gone);
    expect(dead.code).toBe(1);
    expect(only(dead.checks, 'model')).toEqual(['fail: chat does not serve: it was applied, and nothing of it runs.']);
    const failed = await checksOf(worldWithStack({ backends: seeing({ engine: PRESENT, instances: [instance({ phase: 'failed' })] }) }));
    expect(only(failed.checks, 'model')).toEqual(['fail: chat does not serve: it failed.']);
    const silent = await checksOf(worldWithStack({ backends: seeing({ engine: PRESENT, instances: [instance({ phase: 'unknown' })] }) }));
    expect(only(silent.checks, 'model')).toEqual(['warn: chat does not answer.']);
  });

  it('finds nothing wrong with a model that nobody applied yet, as after `init`', async () => {
    const { code, checks } = await checksOf(worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) }));
    expect(code).toBe(0);
    expect(only(checks, 'model')).toEqual(['note: chat does not run: it is not applied.']);
  });

  it('needs no stack: without a file it checks the machine', async () => {
    const world = newWorld();
    const { code, checks } = await checksOf(world);
    expect(code).toBe(0);
    expect(only(checks, 'file')[0]).toMatch(/^note: There is no llmops\.yaml/);
    expect(only(checks, 'node-llama-cpp')[0]).toMatch(/loads$/);
  });

  it('loads node-llama-cpp only for a stack that relies on it', async () => {
    const { checks } = await checksOf(worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) }));
    expect(only(checks, 'node-llama-cpp')[0]).toMatch(/not needed here$/);
  });

  it('fails on a file that is not valid, and one that was named and is not there', async () => {
    const invalid = await checksOf(worldWithStack({}, 'version: 2\n'));
    expect(invalid.code).toBe(1);
    expect(only(invalid.checks, 'file')).toEqual(['fail: llmops.yaml is not valid: 1 problem.']);
    const world = newWorld();
    expect(await world.llmops('doctor', '-f', 'nope.yaml')).toBe(1);
  });

  it('fails if the engine of a declared backend is absent, and says how to get one', async () => {
    const { code, checks } = await checksOf(worldWithStack({ backends: seeing({ engine: ABSENT, instances: [] }) }));
    expect(code).toBe(1);
    expect(checks.find((check) => check.id === 'backend')).toMatchObject({ status: 'fail', fix: 'Install one.' });
  });

  it('tells serving, failed, silent and left-over copies apart, and names foreign ones', async () => {
    const problem = { severity: 'error', code: 'crashed', summary: 'it ran out of memory' } as const;
    const instances = [
      instance({}),
      instance({ id: 'chat-00000000000b', phase: 'failed', problem }),
      instance({ id: 'chat-00000000000c', phase: 'unknown' }),
      instance({ id: 'gone-00000000000d', model: 'gone' }),
      instance({ id: 'other', owner: 'foreign', model: null, process: { pid: 4712, started: 'y' }, endpoint: 'http://127.0.0.1:8080' }),
    ];
    const { code, checks } = await checksOf(worldWithStack({ backends: seeing({ engine: PRESENT, instances }) }));
    expect(code).toBe(1);
    expect(only(checks, 'instance')).toEqual([
      'ok: chat-00000000000a (pid 4711) is serving',
      'fail: chat-00000000000b (pid 4711) has failed: it ran out of memory',
      'warn: chat-00000000000c (pid 4711) does not answer',
    ]);
    expect(only(checks, 'leftover')).toEqual(['warn: gone-00000000000d (pid 4711) is left over: no model of this stack uses it.']);
    expect(only(checks, 'foreign')).toEqual([
      'note: An engine (pid 4712, http://127.0.0.1:8080) is not of this stack; it is never touched.',
    ]);
  });

  it('counts an answer at a published address only if it is a copy of ours that gives it', async () => {
    const url = 'http://127.0.0.1:18080';
    const sent = (instances: readonly ObservedInstance[]) => {
      const world = worldWithStack({ backends: seeing({ engine: PRESENT, instances }) });
      writeState(world, 'endpoints.json', { formatVersion: '1.0', models: { chat: { instance: 'chat-00000000000a', url } } });
      return checksOf(world).then(({ checks }) => only(checks, 'endpoint'));
    };
    const stranger = instance({ id: 'python3:18080', owner: 'foreign', model: null, phase: 'unknown', endpoint: url });
    expect(await sent([instance({ endpoint: url })])).toEqual([`ok: chat answers at ${url}/v1`]);
    expect(await sent([instance({ endpoint: url, phase: 'unknown' })])).toEqual([`fail: chat: it does not answer at ${url}/v1.`]);
    const lost = [`fail: chat: clients are sent to ${url}/v1, and nothing of ours runs there.`];
    expect(await sent([stranger])).toEqual(lost);
    expect(await sent([stranger, instance({ phase: 'failed' })])).toEqual(lost);
  });

  it('advises no apply that is sure to be refused: it tells why instead, and how to mend it', async () => {
    const lost = worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) });
    rmSync(join(lost.cwd, 'a.gguf'));
    const missing = await checksOf(lost);
    expect(missing.code).toBe(1);
    expect(only(missing.checks, 'model')[0]).toMatch(/^fail: Blocked: Model chat: .*a\.gguf/);
    const bare = await checksOf(worldWithStack({ backends: seeing({ engine: ABSENT, instances: [] }) }));
    expect(only(bare.checks, 'model')[0]).toBe('fail: Blocked: chat cannot be started, as backend local has no engine.');
    const pinless = STACK.replace('file:a.gguf', 'hf:org/repo');
    const unlocked = await checksOf(worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) }, pinless));
    expect(unlocked.checks.find(({ id }) => id === 'model')).toMatchObject({
      status: 'fail',
      fix: expect.stringContaining('llmops lock') as string,
    });
    for (const { checks } of [missing, bare, unlocked]) expect(checks.filter(({ fix }) => fix?.includes('llmops apply'))).toEqual([]);
  });

  it('only warns of what is blocked while the model serves', async () => {
    const world = worldWithStack({ backends: seeing({ engine: PRESENT, instances: [instance({})] }) });
    rmSync(join(world.cwd, 'a.gguf'));
    const { code, checks } = await checksOf(world);
    expect([code, only(checks, 'model')[0]]).toEqual([0, expect.stringMatching(/^warn: As declared it is blocked: Model chat/)]);
  });

  it('fails if the name of the stack is another file’s', async () => {
    const world = worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) });
    const other = join(world.cwd, 'other.yaml');
    writeFileSync(other, STACK);
    writeState(world, 'stack.json', { formatVersion: '1.0', file: realpathSync(other) });
    const applied = { chat: { backend: 'local', specHash: '00000000000a', fields: {}, protect: false, generation: 1, at: '' } };
    writeState(world, 'inventory.json', { formatVersion: '1.0', generation: 1, appliedAt: '', backends: [], models: applied });
    const { code, checks } = await checksOf(world);
    expect([code, only(checks, 'stack')[0]]).toEqual([1, expect.stringContaining('owns this state')]);
  });

  it('names the holder of the lease', async () => {
    const world = worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) });
    writeState(world, 'holder.json', {
      pid: 77,
      started: null,
      host: `not-${hostname()}`,
      user: 'ada',
      command: 'llmops apply',
      since: '2026-05-04T09:00:00Z',
      token: 3,
    });
    const { checks } = await checksOf(world);
    expect(only(checks, 'lease')[0]).toMatch(/^warn: The lease is held by pid 77 \(llmops apply, ada@/);
  });

  it('fails if the state folder cannot be made, because a file stands in its way', async () => {
    const world = worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) });
    const code = await world.llmops('doctor', '--state-dir', 'llmops.yaml/state', '--json');
    expect(code).toBe(1);
    expect(world.stdout.text).toContain('is a file');
  });

  it('prints no value of an environment variable', async () => {
    const world = worldWithStack({
      backends: seeing({ engine: PRESENT, instances: [] }),
      env: { HF_TOKEN: 'canary-1', OPENAI_API_KEY: 'canary-2', LLMOPS_LOG: 'canary-3', NO_COLOR: 'canary-4' },
    });
    await world.llmops('doctor');
    await world.llmops('doctor', '--json');
    expect(world.stdout.text + world.stderr.text).not.toContain('canary');
  });

  it('leaves no trace but in the cache', async () => {
    const world = worldWithStack({ backends: seeing({ engine: PRESENT, instances: [] }) });
    await world.llmops('doctor');
    expect(existsSync(world.stateDir('desk'))).toBe(false);
    // Digests of weights that nobody has just written are remembered, as they cost a reading of the whole file.
    const cache = join(world.env['XDG_CACHE_HOME'] as string, 'llmops');
    expect((existsSync(cache) ? readdirSync(cache) : []).filter((name) => name !== 'digests')).toEqual([]);
  });
});

const check = (status: Check['status'], fix: string | null = null): Check => ({
  id: status,
  group: 'Group',
  status,
  summary: `this is ${status}`,
  fix,
});

describe('What doctor shows', () => {
  it('says with a sign and a word what colour only repeats', () => {
    const text = renderChecks([check('ok'), check('note'), check('warn'), check('fail', 'Mend it.')], { color: false, width: 80 });
    expect(text).toBe(`Group
  ✓ ok    this is ok
  · note  this is note
  ! warn  this is warn
  ✗ fail  this is fail
          → Mend it.

1 of 4 checks failed, 1 warning.
`);
  });

  it('an old Node fails with what to install', () => {
    expect(checkNode('20.20.2', '/usr/bin/node')).toMatchObject({ status: 'fail' });
    expect(checkNode('22.12.0', '/usr/bin/node')).toMatchObject({ status: 'fail' });
    expect(checkNode('22.13.0', '/usr/bin/node')).toMatchObject({ status: 'ok' });
    expect(checkNode('24.1.0', '/usr/bin/node')).toMatchObject({ status: 'ok' });
  });
});
