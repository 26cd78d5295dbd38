import type { Drained, Driver, StepIo } from '../../src/domain/backend.ts';
import type { InstanceSpec } from '../../src/domain/desired.ts';
import type { RunHeader, RunLedger } from '../../src/domain/ledger.ts';
import type { ObservedInstance } from '../../src/domain/observed.ts';
import type { Fact, Plan, Step, StepAct } from '../../src/domain/plan.ts';
import { applyPlan, type ApplyOptions, type ApplyResult } from '../../src/apply/index.ts';
import type { Event } from '../../src/domain/event.ts';
import { header } from './headers.ts';

/** Steps, written by hand: an id `model.op`, what they wait for, and what differs. */
export function step(id: string, after: readonly string[] = [], more: Partial<Step> = {}): Step {
  const [model = '', op = ''] = id.split('.');
  const instance = `${model}-1`;
  const base = { id, after, model, backend: 'local', instance, cause: 'told', relies: [], leaves: [], deadlineMs: 60_000 };
  return { ...base, ...actOf(op.replace(/\d+$/, ''), model, instance), ...more } as Step;
}

function actOf(op: string, model: string, id: string): StepAct {
  const spec: InstanceSpec = {
    id,
    stack: 'told',
    backend: 'local',
    model,
    specHash: '1',
    fields: {},
    weights: { path: '/w', sha256: '0', bytes: 1 },
    options: {},
  };
  switch (op) {
    case 'start':
      return { op, spec };
    case 'probe':
      return { op, spec, onFailure: 'stop' };
    case 'stop':
      return { op, specHash: '1', process: null };
    case 'record':
      return { op, applied: { backend: 'local', specHash: '1', fields: {}, protect: false } };
    case 'publish':
    case 'withdraw':
    case 'drain':
      return { op };
    default:
      throw new Error(`no such op: ${op}`);
  }
}

export const fact = (instance: string, is: Fact['is'], specHash: string | null = '1'): Fact => ({
  instance,
  backend: 'local',
  is,
  specHash,
});

export function copy(id: string, more: Partial<ObservedInstance> = {}): ObservedInstance {
  return {
    id,
    owner: 'ours',
    backend: 'local',
    model: id.replace(/-.*/, ''),
    specHash: '1',
    phase: 'serving',
    endpoint: 'http://127.0.0.1:1',
    configured: {},
    loaded: null,
    activeRequests: null,
    memoryBytes: null,
    startedAt: null,
    process: null,
    logFile: null,
    problem: null,
    ...more,
  };
}

export type Act = (step: Step, io: StepIo) => Promise<void>;

/** What a scripted run is asked to do beside the usual. */
export interface Script {
  /** By step id; a step without one succeeds at once. */
  readonly acts?: Readonly<Record<string, Act>>;
  /** What a start needs is made sure of by this; by default there is nothing to make sure of. */
  readonly prepare?: Act;
  /** What every drain tells of its end; by default nothing. */
  readonly drained?: () => Promise<Drained>;
  /** What is there; by default nothing. */
  readonly there?: readonly ObservedInstance[];
  readonly options?: Partial<ApplyOptions>;
}

export interface Played {
  readonly result: ApplyResult;
  readonly events: readonly Event[];
  /** Everything that reached drivers and ledger, in order: `act chat.start`, `begin chat.start`, `end chat.start done`. */
  readonly log: readonly string[];
}

/** Applies these steps with drivers and a ledger that only take notes. */
export async function play(
  steps: readonly Step[],
  { acts = {}, prepare, drained, there = [], options = {} }: Script = {},
): Promise<Played> {
  const log: string[] = [];
  const events: Event[] = [];
  const world = new Map(there.map((one) => [one.id, one]));
  const act = async (told: Step, io: StepIo) => {
    log.push(`act ${told.id}`);
    await acts[told.id]?.(told, io);
    if (told.op === 'stop') world.delete(told.instance);
    if (told.op === 'start') world.set(told.instance, copy(told.instance));
  };
  const driver: Driver = {
    observe: () => Promise.reject(new Error('apply must not observe')),
    look: async (id) => world.get(id) ?? null,
    ...(prepare && { prepare: (told: Step, io: StepIo) => (log.push(`prepare ${told.id}`), prepare(told, io)) }),
    perform: { start: act, probe: act, drain: async (told, io) => (await act(told, io), await drained?.()), stop: act },
  };
  const plan: Plan = { ...header().plan, steps };
  const result = await applyPlan(plan, {
    drivers: { local: driver, far: driver },
    state: { beginRun: async (_lease, told) => notes(log, told) },
    lease: { token: 1, verify: () => undefined, release: () => undefined },
    fetch: (told, io) => act(told as Step, io),
    emit: (event) => void events.push(event),
    signal: new AbortController().signal,
    parallelism: 10,
    patienceMs: 0,
    clock: { now: () => '2026-01-01T00:00:00.000Z', monotonicMs: () => 0 },
    who: 'tester@here',
    source: { file: '/x/llmops.yaml', text: '', commit: null },
    ...options,
  });
  return { result, events, log };
}

function notes(log: string[], _header: RunHeader): RunLedger {
  const note = async (text: string) => void log.push(text);
  return {
    run: 'run-1',
    generation: 1,
    begin: (told) => note(`begin ${told.id}`),
    end: (told, status) => note(`end ${told.id} ${status}`),
    publish: (model, endpoint) => note(`publish ${model} ${endpoint.url}`),
    withdraw: (model, id) => note(`withdraw ${model} ${id}`),
    record: (model, applied) => note(`record ${model} ${applied?.specHash ?? 'nothing'}`),
    finish: async (outcome) => {
      await note(`finish ${outcome}`);
      return 1;
    },
  };
}

/** `{ 'chat.start': 'done' }` */
export function statuses(result: ApplyResult): Readonly<Record<string, string>> {
  return Object.fromEntries(result.steps.map((one) => [one.step, one.status]));
}
