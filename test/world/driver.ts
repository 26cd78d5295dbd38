import type { Driver, DriverContext, StepIo } from '../../src/domain/backend.ts';
import type { BackendSpec } from '../../src/domain/desired.ts';
import type { MemoryPool, ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import type { Step } from '../../src/domain/plan.ts';
import { ProblemError, problemOf } from '../../src/domain/problem.ts';
import { call, type Reply } from './client.ts';
import type { WorldInstance } from './world.ts';

/** Connects to the realm that `options.url` names. */
export function connectWorld(spec: BackendSpec, context: DriverContext): Driver {
  const base = `${String(spec.options['url'])}/instances`;
  const at = (id: string, verb = '') => `${base}/${encodeURIComponent(id)}${verb}`;
  const ask = async (step: Step, method: string, verb: string, body: unknown, io: StepIo): Promise<void> => {
    io.progress(`${step.op} ${step.instance}`);
    expectDone(step, await call(method, at(step.instance, verb), body, io.signal));
  };
  return {
    observe: async (signal) => observe(spec, context, () => call('GET', base, null, signal)),
    look: async (id, signal) => {
      const reply = await call('GET', at(id), null, signal);
      if (reply.status === 404) return null;
      return observed(spec, context, whole(reply));
    },
    perform: {
      start: (step, io) => ask(step, 'PUT', '', { spec: step.spec, mark: context.stateDir }, io),
      probe: (step, io) => ask(step, 'POST', '/probe', {}, io),
      drain: (step, io) => ask(step, 'POST', '/drain', {}, io),
      stop: (step, io) => ask(step, 'DELETE', '', null, io),
    },
  };
}

async function observe(spec: BackendSpec, context: DriverContext, list: () => Promise<Reply>): Promise<ObservedBackend> {
  const { name, type } = spec;
  try {
    const { instances } = (await list()).body as { instances: readonly WorldInstance[] };
    return {
      status: 'reachable',
      name,
      type,
      engine: { status: 'present', at: String(spec.options['url']), version: 'world 1', capabilities: [] },
      instances: instances.map((instance) => observed(spec, context, instance)),
      memory: poolOf(spec, instances),
    };
  } catch (error) {
    return { status: 'unreachable', name, type, problem: problemOf(error) };
  }
}

function observed(spec: BackendSpec, context: DriverContext, instance: WorldInstance): ObservedInstance {
  const ours = instance.mark === context.stateDir;
  return {
    id: instance.id,
    owner: ours ? 'ours' : 'foreign',
    backend: spec.name,
    model: instance.spec.model,
    specHash: ours ? instance.spec.specHash : null,
    phase: instance.phase,
    endpoint: instance.endpoint,
    configured: instance.spec.fields,
    loaded: instance.phase === 'serving' ? instance.loaded : null,
    activeRequests: instance.activeRequests,
    memoryBytes: memoryOf(instance),
    startedAt: instance.startedAt,
    process: { pid: instance.serial, started: String(instance.serial) },
    logFile: null,
    problem: instance.phase === 'failed' ? { severity: 'error', code: 'world-failed', summary: 'It failed.' } : null,
  };
}

/** Weights, and as much again for cache and buffers. */
function memoryOf(instance: WorldInstance): number {
  return 2 * instance.spec.weights.bytes;
}

function poolOf(spec: BackendSpec, instances: readonly WorldInstance[]): readonly MemoryPool[] {
  const totalBytes = spec.options['memory'];
  if (typeof totalBytes !== 'number') return [];
  const used = instances.reduce((sum, instance) => sum + memoryOf(instance), 0);
  return [{ kind: 'ram', name: 'RAM', totalBytes, freeBytes: Math.max(0, totalBytes - used) }];
}

/** A stop or drain of what is gone is done already. */
function expectDone(step: Step, reply: Reply): void {
  const gone = reply.status === 404 && (step.op === 'stop' || step.op === 'drain');
  if (reply.status < 300 || gone) return;
  const reason = (reply.body as { error?: string }).error ?? `status ${reply.status}`;
  throw new ProblemError({ code: 'world-refused', summary: `${step.instance}: ${reason}.`, fix: 'Plan again: llmops plan' });
}

function whole(reply: Reply): WorldInstance {
  if (reply.status < 300 && typeof (reply.body as WorldInstance).id === 'string') return reply.body as WorldInstance;
  throw new ProblemError({
    code: 'world-unreachable',
    summary: `The world answers with status ${reply.status}.`,
    fix: 'See that the world runs.',
  });
}
