import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/domain/backend.ts';
import type { ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import { standIn } from '../world/stand-in.ts';
import { newStage, type Ended, type Stage } from './stage.ts';

type Reachable = Extract<ObservedBackend, { readonly status: 'reachable' }>;
type Seen = (backend: Reachable) => Reachable;

/** The stand-in whose driver tells something else of its backend `one`. */
function telling(seen: Seen): Backend {
  return {
    ...standIn,
    connect: (spec, context) => {
      const driver = standIn.connect(spec, context);
      const observe = async (signal: AbortSignal): Promise<ObservedBackend> => {
        const backend = await driver.observe(signal);
        return backend.status === 'reachable' && backend.name === 'one' ? seen(backend) : backend;
      };
      return { ...driver, observe };
    },
  };
}

/** Every copy, changed. */
const copies =
  (change: (copy: ObservedInstance) => ObservedInstance): Seen =>
  (backend) => ({ ...backend, instances: backend.instances.map(change) });

/** A running model, and a plan to change it in `x.plan`. */
async function planned(): Promise<Stage> {
  const stage = await newStage();
  stage.declare({ chat: 'context: 256' });
  expect((await stage.run('apply', '-y')).code).toBe(0);
  stage.declare({ chat: 'context: 512' });
  expect((await stage.run('plan', '--out', 'x.plan')).code).toBe(0);
  stage.asked();
  return stage;
}

/** Applies the saved plan while the engines tell something else. */
async function applied(stage: Stage, seen: Seen = (backend) => backend): Promise<Ended> {
  const world = stage.command({ backends: async () => ({ 'llama.cpp': telling(seen) }) });
  const code = await world.llmops('apply', 'x.plan', '--detailed-exitcode');
  return { code, stdout: world.stdout.text, stderr: world.stderr.text };
}

/** Changes what the state says of `chat` in one of its files. */
function rewrite(stage: Stage, name: string, change: (entry: Record<string, unknown>) => void): void {
  const path = join(stage.stateDir, name);
  const document = JSON.parse(readFileSync(path, 'utf8')) as { models: { chat: Record<string, unknown> } };
  change(document.models.chat);
  writeFileSync(path, JSON.stringify(document));
}

/** Refused for what moved in the world, and not for some other reason; and no engine was asked to change anything. */
function expectStale(stage: Stage, ended: Ended): void {
  expect(ended.code, ended.stdout + ended.stderr).toBe(6);
  expect(ended.stderr).toContain('the engines or the state have changed');
  expect(ended.stderr).toContain('[plan-stale]');
  expect(stage.asked().filter((request) => !request.startsWith('GET'))).toEqual([]);
}

describe('A saved plan is stale when the engines tell another', () => {
  const engine = (version: string): Seen => {
    return (backend) => ({ ...backend, engine: { status: 'present', at: 'here', version, capabilities: [] } });
  };
  const MOVED: Readonly<Record<string, Seen>> = {
    phase: copies((copy) => ({ ...copy, phase: 'starting' })),
    'engine version': engine('world 2'),
    'configured setting': copies((copy) => ({ ...copy, configured: { ...copy.configured, context: 128 } })),
    'loaded setting': copies((copy) => ({ ...copy, loaded: { ...copy.loaded, context: 128 } })),
    'loaded setting: none any more': copies((copy) => ({ ...copy, loaded: null })),
    'setting that was not there': copies((copy) => ({ ...copy, configured: { ...copy.configured, 'options.threads': 3 } })),
    endpoint: copies((copy) => ({ ...copy, endpoint: 'http://127.0.0.1:1' })),
    process: copies((copy) => ({ ...copy, process: { pid: (copy.process?.pid ?? 0) + 1, started: copy.process?.started ?? '' } })),
    'start of a process with the same number': copies((copy) => ({ ...copy, process: { pid: copy.process?.pid ?? 0, started: 'later' } })),
    specification: copies((copy) => ({ ...copy, specHash: '000000000000' })),
    model: copies((copy) => ({ ...copy, model: 'other' })),
    'set of copies: one more': (backend) => ({
      ...backend,
      instances: backend.instances.flatMap((copy) => [copy, { ...copy, id: 'chat-b' }]),
    }),
    owner: copies((copy) => ({ ...copy, owner: 'foreign' })),
  };

  it.each(Object.entries(MOVED))('%s', async (_, seen) => {
    const stage = await planned();
    expectStale(stage, await applied(stage, seen));
  });
});

describe('A saved plan is stale when the state tells another', () => {
  const MOVED: Readonly<Record<string, readonly [file: string, change: (entry: Record<string, unknown>) => void]>> = {
    'applied specification': ['inventory.json', (entry) => (entry['specHash'] = '000000000000')],
    'applied backend': ['inventory.json', (entry) => (entry['backend'] = 'two')],
    'applied protection': ['inventory.json', (entry) => (entry['protect'] = true)],
    'copy that clients are sent to': ['endpoints.json', (entry) => (entry['instance'] = 'chat-000000000000')],
    'address that clients are sent to': ['endpoints.json', (entry) => (entry['url'] = 'http://127.0.0.1:1')],
  };

  it.each(Object.entries(MOVED))('%s', async (_, [file, change]) => {
    const stage = await planned();
    rewrite(stage, file, change);
    expectStale(stage, await applied(stage));
  });
});

describe('A saved plan is not stale', () => {
  it('because of requests in flight, memory in use, or a log elsewhere', async () => {
    const stage = await planned();
    const seen: Seen = (backend) => ({
      ...copies((copy) => ({ ...copy, activeRequests: 7, memoryBytes: 1, logFile: '/elsewhere' }))(backend),
      memory: [{ kind: 'ram', name: 'RAM', totalBytes: 2 ** 40, freeBytes: 2 ** 39 }],
    });
    expect((await applied(stage, seen)).code).toBe(0);
  });

  it('because the state was written anew with the same content', async () => {
    const stage = await planned();
    for (const file of ['inventory.json', 'endpoints.json']) rewrite(stage, file, () => undefined);
    expect((await applied(stage)).code).toBe(0);
  });
});
