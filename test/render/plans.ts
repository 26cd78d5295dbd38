import type { BackendSpec } from '../../src/domain/desired.ts';
import type { Fields } from '../../src/domain/fields.ts';
import type { MemoryPool } from '../../src/domain/observed.ts';
import type { Change, Cost, FieldChange, Plan, PlannedBackend, Step, StepAct, Wished } from '../../src/domain/plan.ts';
import type { Place } from '../../src/domain/problem.ts';

/** Small builders: a test states only what matters to it. */
export const GIB = 1024 ** 3;
export const DIGEST_A = '8d1f0c2a'.repeat(8);
export const DIGEST_B = '41be7700'.repeat(8);
export const RAM: MemoryPool = { kind: 'ram', name: 'ram', totalBytes: 18 * GIB, freeBytes: 12 * GIB };

export type ChangeOf<A extends Change['action']> = Extract<Change, { action: A }>;

export function at(line: number, file = 'llmops.yaml'): Place {
  return { file, line, column: 5 };
}

export function backendSpec(name: string, type = 'llama.cpp'): BackendSpec {
  return { name, type, reserve: { vramBytes: GIB, ramBytes: 2 * GIB }, options: {} };
}

export function planned(name: string, over: Partial<Omit<PlannedBackend, 'spec'>> & { readonly type?: string } = {}): PlannedBackend {
  const { type, ...rest } = over;
  return { spec: backendSpec(name, type), status: 'reachable', engine: 'llama-server 0.7.0', instances: 1, ...rest };
}

export function cost(over: Partial<Cost> = {}): Cost {
  return {
    weightsBytes: GIB,
    downloadBytes: 0,
    memory: { before: GIB, after: Math.round(1.1 * GIB), peak: Math.round(2.1 * GIB), pool: RAM },
    downtime: 'none',
    drainMs: 60_000,
    activeRequests: 0,
    ...over,
  };
}

export function fieldChange(over: Partial<FieldChange> = {}): FieldChange {
  return { field: 'context', from: 4096, to: 8192, price: 'restart', place: at(15), ...over };
}

/** What a model is to run as. */
export function wished(model: string, fields: Fields = {}): Wished {
  const base = { context: 8192, parallel: 4, digest: DIGEST_A };
  return { specHash: '0123456789ab', instance: `${model}-0123456789ab`, fields: { ...base, ...fields } };
}

export function update(over: Partial<ChangeOf<'update'>> = {}): ChangeOf<'update'> {
  return {
    model: 'chat',
    backend: 'local',
    wish: wished(over.model ?? 'chat'),
    cause: 'llmops.yaml:15 asks for another context',
    place: at(15),
    correctsDrift: false,
    action: 'update',
    price: 'restart',
    replacement: 'surge',
    replacementReason: 'both fit: 2.1 of 18.0 GiB RAM',
    fields: [fieldChange()],
    unchanged: 6,
    unverified: [],
    cost: cost({ moves: true }),
    ...over,
  };
}

export function create(over: Partial<ChangeOf<'create'>> = {}): ChangeOf<'create'> {
  const fields = [
    fieldChange({ field: 'source', from: null, to: 'file:models/desk-Q8_0.gguf', price: 'replace', place: at(21) }),
    fieldChange({ field: 'digest', from: null, to: DIGEST_A, price: 'replace', place: null }),
    fieldChange({ field: 'context', from: null, to: 8192, place: at(22) }),
    fieldChange({ field: 'kvCache', from: null, to: null, place: null }),
  ];
  const memory = { before: null, after: Math.round(1.1 * GIB), peak: Math.round(1.1 * GIB), pool: RAM };
  const base = {
    model: 'draft',
    backend: 'local',
    wish: wished(over.model ?? 'draft'),
    cause: 'llmops.yaml:20 declares it and it is not running',
    place: at(20),
  };
  return { ...base, correctsDrift: false, action: 'create', fields, cost: cost({ memory, activeRequests: null }), ...over };
}

export function remove(over: Partial<ChangeOf<'delete'>> = {}): ChangeOf<'delete'> {
  const base = {
    model: 'legacy',
    backend: 'local',
    wish: null,
    cause: 'it is not in llmops.yaml any more',
    place: null,
    correctsDrift: false,
  };
  const memory = { before: Math.round(4.1 * GIB), after: 0, peak: null, pool: RAM };
  return { ...base, action: 'delete', cost: cost({ memory, downtime: 'ends', activeRequests: 2 }), ...over };
}

export function blocked(over: Partial<ChangeOf<'blocked'>> = {}): ChangeOf<'blocked'> {
  const problem = {
    severity: 'error' as const,
    code: 'backend-unreachable',
    summary: 'The backend "spare" does not answer, so nobody knows what runs there',
    fix: 'start it, then run `llmops plan` again',
    place: at(9),
  };
  const base = {
    model: 'vision',
    backend: 'spare',
    wish: wished(over.model ?? 'vision'),
    cause: 'nothing is created or deleted on a guess',
    place: at(30),
    correctsDrift: false,
  };
  return { ...base, action: 'blocked', problem, ...over };
}

export function keep(over: Partial<ChangeOf<'keep'>> = {}): ChangeOf<'keep'> {
  const base = { model: 'steady', backend: 'local', wish: wished(over.model ?? 'steady'), cause: 'it runs as declared', place: at(40) };
  return { ...base, correctsDrift: false, action: 'keep', unchanged: 9, unverified: [], ...over };
}

export function step(model: string, act: StepAct, after: readonly string[] = []): Step {
  const instance = `${model}-0123456789ab`;
  return {
    id: `${model}.${act.op}`,
    after,
    model,
    backend: 'local',
    instance,
    cause: 'because',
    relies: [],
    leaves: [],
    deadlineMs: 60_000,
    ...act,
  };
}

/** The steps of new before old: start, probe, publish, drain, stop. */
export function surgeSteps(model: string): readonly Step[] {
  const spec = {
    id: `${model}-0123456789ab`,
    stack: 'home-lab',
    backend: 'local',
    model,
    specHash: '0123456789ab',
    fields: {},
    options: {},
  };
  const full = { ...spec, weights: { path: '/models/a.gguf', sha256: DIGEST_A, bytes: GIB } };
  return [
    step(model, { op: 'start', spec: full }),
    step(model, { op: 'probe', spec: full, onFailure: 'stop' }, [`${model}.start`]),
    step(model, { op: 'publish' }, [`${model}.probe`]),
    step(model, { op: 'drain' }, [`${model}.publish`]),
    step(model, { op: 'stop', specHash: 'ba9876543210', process: null }, [`${model}.drain`]),
    step(model, { op: 'record', applied: null }, [`${model}.stop`]),
  ];
}

export function plan(over: Partial<Plan> = {}): Plan {
  return {
    formatVersion: '1.0',
    stack: 'home-lab',
    file: 'llmops.yaml',
    environment: null,
    mode: 'apply',
    revision: '7c1e2aa0'.repeat(8),
    baseline: { generation: 41, at: '2026-03-02T10:14:07.000Z' },
    basis: DIGEST_B,
    targets: [],
    backends: [planned('local')],
    drift: [],
    changes: [],
    steps: [],
    foreign: [],
    inert: [],
    interrupted: [],
    problems: [],
    summary: { create: 0, update: 0, replace: 0, delete: 0, keep: 0, blocked: 0, correctsDrift: 0 },
    ...over,
  };
}
