import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '../../src/domain/desired.ts';
import type { Inventory, ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import { makePlan, type PlanInput } from '../../src/plan/index.ts';
import { specHashOf } from '../../src/plan/wish.ts';
import { renderStatusText } from '../../src/render/index.ts';
import { makeStatus } from '../../src/status/index.ts';
import { artifactOf, backendOf, desiredOf, GIB, modelOf, NOTHING, sha256 } from './stack.ts';
import { traits } from './traits.ts';

const [llama, artifact] = [traits['llama.cpp']!, artifactOf('aa', GIB)];
const offload = { gpuLayers: 0, cpuMoeLayers: null, devices: null };
const chat = modelOf('chat', { offload, options: { metrics: true } });
const FLAGS = [
  '--model',
  '--host',
  '--port',
  '--alias',
  '--parallel',
  '--ctx-size',
  '--metrics',
  '--slots',
  '--n-gpu-layers',
  '--gpu-layers',
];
const URL = 'http://127.0.0.1:4001';

/** A copy that runs as the model declares. */
function copyOf(model: ModelSpec, over: Partial<ObservedInstance> = {}): ObservedInstance {
  const { source: _, ...configured } = llama.fields(model, artifact, backendOf('a', 'llama.cpp'));
  const specHash = specHashOf('a', configured, llama, sha256);
  const process = { pid: 41, started: '1' };
  const known = { specHash, configured, loaded: { context: model.context, parallel: model.parallel }, endpoint: URL, process };
  const unknown = { activeRequests: 0, memoryBytes: null, startedAt: '2026-01-01T00:00:00Z', logFile: null, problem: null };
  return { id: `chat-${specHash}`, owner: 'ours', backend: 'a', model: 'chat', phase: 'serving', ...known, ...unknown, ...over };
}

function seen(instances: readonly ObservedInstance[], name = 'a'): ObservedBackend {
  const engine = { status: 'present', at: '/bin/llama-server', version: '0.7.0', capabilities: FLAGS } as const;
  return { status: 'reachable', name, type: 'llama.cpp', engine, instances, memory: [] };
}

/** The plan of a world, and the picture that is folded from it. */
function look(observed: readonly ObservedBackend[], inventory: Inventory, over: Partial<PlanInput> = {}) {
  const desired = desiredOf([chat], [backendOf('a', 'llama.cpp'), backendOf('b', 'llama.cpp')]);
  const asked = { mode: 'apply', targets: [], replace: [], allowDestroy: true, problems: [], hash: sha256 } as const;
  const plan = makePlan({ ...asked, desired, artifacts: { chat: artifact }, traits, observed, inventory, ...over });
  const status = makeStatus({ desired, plan, observed, inventory, now: '2026-01-01T00:00:01Z' });
  return { plan, status, model: status.models[0]! };
}

const published = { ...NOTHING, endpoints: { chat: { instance: copyOf(chat).id, url: URL } } };

describe('A status tells what its plan decided', () => {
  it('tells of what somebody else started anew at the address that clients know, before what is left of ours', () => {
    const { id, specHash, configured } = copyOf(chat);
    const ended = copyOf(chat, { phase: 'failed', endpoint: null, process: null, loaded: null });
    const copy = copyOf(chat, { id: 'pid-42', owner: 'foreign', specHash: null, process: { pid: 42, started: '2' } });
    const observed = { ...seen([ended]), candidates: [{ model: 'chat', copy, obstacle: null, warning: null }] } as ObservedBackend;
    const applied = { backend: 'a', specHash: specHash!, fields: configured, protect: false, generation: 1, at: '2026-01-01T00:00:00Z' };
    const { plan, model, status } = look([observed], { ...published, generation: 1, models: { chat: applied } });
    expect(plan.steps).toEqual([]);
    expect(plan.drift).toMatchObject([{ reason: 'crashed', instance: id }]);
    expect(model).toMatchObject({ state: 'unmanaged', phase: 'serving', instance: 'pid-42', fix: 'llmops apply --adopt' });
    expect(status.summary).toEqual({ declared: 1, ready: 1, serving: 1 });
  });

  it('knows every wish of a model whose record is lost, and calls it unsettled and ready', () => {
    const { status, model } = look([seen([copyOf(chat)])], published);
    const desired = Object.fromEntries(model.settings.map((setting) => [setting.field, setting.desired]));
    expect(desired).toMatchObject({ 'offload.gpuLayers': 0, digest: 'aa', 'options.metrics': true, source: 'file:aa.gguf' });
    expect(model).toMatchObject({ state: 'unsettled', why: 'it runs as declared, and no record of it is left' });
    expect(status.summary).toEqual({ declared: 1, ready: 1, serving: 1 });
    expect(status.conditions.map(({ type, status: holds }) => `${type} ${holds}`)).toEqual(['Ready True', 'Synced False']);
  });

  it('does not call a copy ready to which clients are not sent', () => {
    const { status, model } = look([seen([copyOf(chat)])], NOTHING);
    expect(model).toMatchObject({ state: 'unsettled', published: false });
    expect(status.summary).toMatchObject({ declared: 1, ready: 0 });
    const moved = { ...NOTHING, endpoints: { chat: { instance: copyOf(chat).id, url: 'http://127.0.0.1:9' } } };
    expect(look([seen([copyOf(chat)])], moved).model.published).toBe(false);
  });

  it('says of a setting that nobody set that the engine decides', () => {
    const { plan, model } = look([seen([copyOf(chat)])], published);
    expect(model.settings.find(({ field }) => field === 'kvCache')).toEqual({ field: 'kvCache', desired: null, configured: null });
    expect(plan.changes[0]?.wish?.fields).not.toHaveProperty('kvCache');
  });

  it('calls a change of settings outdated', () => {
    const old = copyOf({ ...chat, context: 256 });
    const { plan, model } = look([seen([old])], { ...NOTHING, endpoints: { chat: { instance: old.id, url: URL } } });
    expect(model.state).toBe('outdated');
    expect(plan.changes[0]?.wish).toMatchObject({ instance: copyOf(chat).id, specHash: copyOf(chat).specHash });
    expect(model.settings.find(({ field }) => field === 'context')).toMatchObject({ desired: 512, configured: 256 });
  });

  it('knows the wish of a model whose backend does not answer, and none of one whose weights are not there', () => {
    const problem = { severity: 'error', code: 'x', summary: 'No.' } as const;
    const silent = look([{ status: 'unreachable', name: 'a', type: 'llama.cpp', problem }], NOTHING);
    expect(silent.model.settings).toContainEqual({ field: 'offload.gpuLayers', desired: 0 });
    const lost = look([seen([])], NOTHING, { artifacts: {} });
    expect(lost.plan.changes[0]).toMatchObject({ action: 'blocked', wish: null });
  });

  it('counts a stranger once that two backends of one type see', () => {
    const stranger = copyOf(chat, { owner: 'foreign', id: 'pid-7', model: 'other', process: { pid: 7, started: '1' } });
    const worlds = [seen([stranger]), seen([{ ...stranger, backend: 'b' }], 'b')];
    const { plan, status } = look(worlds, NOTHING);
    expect(status.foreign).toEqual(plan.foreign);
    expect(status.foreign).toHaveLength(1);
    const alone = makeStatus({ desired: null, plan: null, observed: worlds, inventory: NOTHING, now: '' });
    expect(alone.foreign).toEqual(plan.foreign);
  });

  it('stands for the copy that the plan goes by: one that serves before a dead one that clients are sent to', () => {
    const dead = copyOf(chat, { id: 'chat-dead', specHash: 'dead', phase: 'failed', process: null });
    const inventory = { ...NOTHING, endpoints: { chat: { instance: dead.id, url: URL } } };
    const { model } = look([seen([dead, copyOf(chat)])], inventory);
    expect(model).toMatchObject({ instance: copyOf(chat).id, copies: ['chat-dead'], published: false });
  });

  it('tells who supervises, and of what is down when it is started anew; of what runs again no more', () => {
    const told = { pid: 7, who: 'alice@lab', since: '2026-01-01T00:00:00Z' };
    const retry = { times: 3, nextAt: '2026-01-01T00:00:09Z', why: 'It ended.' };
    const supervisor = { ...told, retries: [{ model: 'chat', ...retry }] };
    const fold = (phase: 'failed' | 'serving') => {
      const observed = [seen([copyOf(chat, { phase })])];
      const { plan } = look(observed, published);
      const desired = desiredOf([chat], [backendOf('a', 'llama.cpp')]);
      const applied = { backend: 'a', specHash: copyOf(chat).specHash ?? '', fields: {}, protect: false, generation: 1, at: '' };
      const inventory = { ...published, models: { chat: applied } };
      return makeStatus({ desired, plan: { ...plan, steps: [] }, observed, inventory, now: '2026-01-01T00:00:01Z', supervisor });
    };
    const down = fold('failed');
    expect(down.supervisor).toEqual(told);
    expect(down.models[0]?.retry).toEqual(retry);
    const text = renderStatusText(down, { color: false, width: 120 });
    expect(text).toContain('Watched   by pid 7 (alice@lab), for 1 s');
    expect(text).toContain('└ started anew in 8 s; ended 3 times in a row');
    expect(renderStatusText({ ...down, supervisor: null }, { color: false, width: 120 })).toContain('Watched   by nobody');
    expect(look([seen([copyOf(chat)])], published).status.supervisor).toBeNull();
  });

  it('names a copy that does not say its model as the plan does', () => {
    const { plan, status } = look([seen([copyOf(chat, { model: null })])], published);
    expect(status.models.map(({ name }) => name)).toEqual(['chat']);
    expect(plan.changes.map(({ model }) => model)).toEqual(['chat']);
  });
});
