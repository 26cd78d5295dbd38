import type { Desired, ModelSpec } from '../../src/domain/desired.ts';
import type { Generation, StepResult } from '../../src/domain/generation.ts';
import type { Inventory, ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import type { Event } from '../../src/domain/event.ts';
import { backendSpec, DIGEST_A, plan, RAM, update } from './plans.ts';

/** Builders for what status, history and events are told from. */
export const NOW = '2026-03-08T12:00:00.000Z';

export function model(name: string, over: Partial<ModelSpec> = {}): ModelSpec {
  return {
    name,
    backend: 'local',
    source: { kind: 'file', path: `/models/${name}.gguf`, written: `file:models/${name}.gguf` },
    quantizations: [],
    sha256: null,
    context: 8192,
    parallel: 4,
    kvCache: null,
    offload: { gpuLayers: null, cpuMoeLayers: null, devices: null },
    load: 'always',
    drift: { default: 'correct', fields: {} },
    rollout: { strategy: 'auto', holdMs: 0, drainMs: 60_000, bakeMs: 0 },
    protect: false,
    options: {},
    ...over,
  };
}

export function desired(models: readonly ModelSpec[]): Desired {
  const base = { stack: 'home-lab', file: 'llmops.yaml', environment: null, revision: '7c1e2aa0'.repeat(8) };
  return { ...base, backends: [backendSpec('local')], models, inert: [], places: {} };
}

export function instance(name: string, over: Partial<ObservedInstance> = {}): ObservedInstance {
  const fields = { context: 8192, parallel: 4, kvCache: 'f16', digest: DIGEST_A };
  return {
    id: `${name}-0123456789ab`,
    owner: 'ours',
    backend: 'local',
    model: name,
    specHash: '0123456789ab',
    phase: 'serving',
    endpoint: 'http://127.0.0.1:41234',
    configured: fields,
    loaded: { context: 8192, parallel: 4, kvCache: null },
    activeRequests: 1,
    memoryBytes: Math.round(1.1 * 1024 ** 3),
    startedAt: '2026-03-02T10:14:09.000Z',
    process: { pid: 4242, started: 'boot:77' },
    logFile: `logs/${name}.log`,
    problem: null,
    ...over,
  };
}

export function reachable(instances: readonly ObservedInstance[], name = 'local'): ObservedBackend {
  const engine = { status: 'present', at: '/usr/bin/llama-server', version: '0.7.0', capabilities: [] } as const;
  return { status: 'reachable', name, type: 'llama.cpp', engine, instances, memory: [RAM] };
}

export function unreachable(name: string): ObservedBackend {
  return {
    status: 'unreachable',
    name,
    type: 'llama.cpp',
    problem: { severity: 'error', code: 'backend-unreachable', summary: `The backend "${name}" does not answer`, fix: 'start it' },
  };
}

export function inventory(names: readonly string[], over: Partial<Inventory> = {}): Inventory {
  const fields = { context: 8192, parallel: 4, kvCache: null, digest: DIGEST_A };
  const applied = { backend: 'local', specHash: '0123456789ab', fields, protect: false, generation: 41, at: '2026-03-02T10:14:07.000Z' };
  const models = Object.fromEntries(names.map((name) => [name, applied]));
  const endpoints = Object.fromEntries(names.map((name) => [name, { instance: `${name}-0123456789ab`, url: 'http://127.0.0.1:41234' }]));
  return { generation: 41, appliedAt: '2026-03-02T10:14:07.000Z', models, endpoints, pending: [], ...over };
}

export function result(step: string, over: Partial<StepResult> = {}): StepResult {
  const [name = '', op = 'start'] = step.split('.') as [string, StepResult['op']];
  const base = {
    step,
    op,
    model: name,
    backend: 'local',
    instance: `${name}-0123456789ab`,
    cause: 'llmops.yaml:15 asks for another context',
  };
  return { ...base, status: 'done', problem: null, because: null, startedAt: NOW, ms: 1800, ...over };
}

export function generation(number: number, over: Partial<Generation> = {}): Generation {
  return {
    formatVersion: '1.0',
    number,
    run: `run-${number}`,
    who: 'alice@lab',
    mode: 'apply',
    stack: 'home-lab',
    environment: null,
    revision: '7c1e2aa0'.repeat(8),
    startedAt: '2026-03-02T10:14:07.000Z',
    finishedAt: '2026-03-02T10:14:12.000Z',
    ms: 5100,
    outcome: 'succeeded',
    source: { file: '/home/alice/lab/llmops.yaml', text: 'version: 1\n', commit: null },
    summary: plan().summary,
    changes: [update()],
    drift: [],
    steps: [result('chat.start'), result('chat.probe', { ms: 350 })],
    ...over,
  };
}

export const FAILED = result('draft.probe', {
  status: 'failed',
  problem: {
    severity: 'error',
    code: 'probe-failed',
    summary: 'draft answered no token within 60 s',
    fix: 'read logs/draft-0123456789ab.log',
    details: ['no token yet'],
  },
});

const AT = { at: '2026-03-08T12:00:01.500Z', run: 'r1' };
export const EVENTS: readonly Event[] = [
  { ...AT, type: 'run.started', stack: 'home-lab', steps: 3, revision: '7c1e2aa0'.repeat(8), mode: 'apply', who: 'alice@lab' },
  {
    ...AT,
    type: 'step.started',
    step: 'chat.start',
    op: 'start',
    model: 'chat',
    backend: 'local',
    instance: 'chat-0123456789ab',
    cause: 'llmops.yaml:15 asks for another context',
    deadlineMs: 60_000,
  },
  { ...AT, type: 'step.waiting', step: 'chat.start', model: 'chat', message: 'loading weights', done: 12, total: 40 },
  { ...AT, type: 'step.done', step: 'chat.start', op: 'start', model: 'chat', ms: 1800 },
  { ...AT, type: 'step.failed', step: 'draft.probe', op: 'probe', model: 'draft', problem: FAILED.problem!, ms: 60_000 },
  { ...AT, type: 'step.skipped', step: 'draft.publish', op: 'publish', model: 'draft', because: 'probe draft failed' },
  { ...AT, type: 'run.finished', outcome: 'partly', done: 1, failed: 1, skipped: 1, generation: 42, ms: 62_000 },
];
