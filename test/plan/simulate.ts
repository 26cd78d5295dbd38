import type { Inventory, ObservedBackend, ObservedInstance } from '../../src/domain/observed.ts';
import type { Fact, Step } from '../../src/domain/plan.ts';

/** A world in memory that plans can be carried out in: engines that do as they are told, and our own record. */
export interface World {
  readonly observed: readonly ObservedBackend[];
  readonly inventory: Inventory;
}

/** The world after one step. Throws if the step's facts do not hold before or after: the plan was wrong then. */
function perform(world: World, step: Step): World {
  for (const fact of step.relies) expectFact(world, fact, `${step.id} relies on`);
  const next = act(world, step);
  for (const fact of step.leaves) expectFact(next, fact, `${step.id} leaves`);
  return next;
}

/** Carries out steps in an order that the plan allows: `pick` chooses among those that wait for nothing any more. */
export function performAll(
  world: World,
  steps: readonly Step[],
  pick: (ready: readonly Step[]) => Step = (ready) => ready[0] as Step,
): World[] {
  const worlds = [world];
  const done = new Set<string>();
  let open = [...steps];
  while (open.length > 0) {
    const step = pick(open.filter(({ after }) => after.every((id) => done.has(id))));
    worlds.push(perform(worlds.at(-1) as World, step));
    done.add(step.id);
    open = open.filter((each) => each !== step);
  }
  return worlds;
}

/** What matters in the end: which copies run and serve, where clients are sent, what is on record. */
export function essence({ observed, inventory }: World): unknown {
  const copies = copiesIn(observed).map(
    ({ backend, id, owner, phase, process }) => `${backend} ${id} ${owner} ${phase}${owner === 'foreign' ? process?.pid : ''}`,
  );
  const endpoints = Object.entries(inventory.endpoints).map(([model, endpoint]) => `${model} -> ${endpoint.instance}`);
  const models = Object.entries(inventory.models).map(
    ([model, { backend, specHash, protect }]) => `${model} ${backend} ${specHash} ${protect}`,
  );
  return { copies: copies.sort(), endpoints: endpoints.sort(), models: models.sort() };
}

export function copiesIn(observed: readonly ObservedBackend[]): ObservedInstance[] {
  return observed.flatMap((backend) => (backend.status === 'reachable' ? backend.instances : []));
}

function act(world: World, step: Step): World {
  const { inventory } = world;
  const { [step.model]: _sent, ...endpoints } = inventory.endpoints;
  const { [step.model]: applied, ...models } = inventory.models;
  if (step.op === 'withdraw') return { ...world, inventory: { ...inventory, endpoints } };
  if (step.op === 'publish') {
    const url = find(world, step.backend, step.instance)[0]?.endpoint ?? 'nowhere';
    return { ...world, inventory: { ...inventory, endpoints: { ...endpoints, [step.model]: { instance: step.instance, url } } } };
  }
  if (step.op === 'record') {
    if (step.applied === null) return { ...world, inventory: { ...inventory, models } };
    const record = { ...step.applied, at: '2026-01-01T00:00:00Z', generation: (applied?.generation ?? 0) + 1 };
    return { ...world, inventory: { ...inventory, models: { ...models, [step.model]: record } } };
  }
  if (step.op === 'drain' || step.op === 'fetch' || step.op === 'pull') return world;
  return { ...world, observed: world.observed.map((backend) => (backend.name === step.backend ? drive(world, backend, step) : backend)) };
}

type DriverStep = Extract<Step, { op: 'adopt' | 'start' | 'probe' | 'stop' }>;

function drive(world: World, backend: ObservedBackend, step: DriverStep): ObservedBackend {
  if (backend.status === 'unreachable') throw new Error(`${step.id} acts on ${backend.name}, which is unreachable`);
  if (step.op === 'start' && backend.engine.status === 'absent') throw new Error(`${step.id} starts without an engine`);
  if (step.op === 'start') expectFreePort(world, step);
  return { ...backend, instances: instancesAfter(backend.instances, step) };
}

/** A fixed port is had once on this machine, whichever backend the copy runs on. */
function expectFreePort({ observed }: World, { id, instance, spec }: Extract<DriverStep, { op: 'start' }>): void {
  const port = spec.fields['options.port'] ?? null;
  const holder = copiesIn(observed).find(
    (copy) => copy.phase !== 'failed' && copy.id !== instance && copy.endpoint === `http://127.0.0.1:${port}`,
  );
  if (holder !== undefined) throw new Error(`${id} starts on port ${port}, which ${holder.id} holds`);
}

let pids = 100_000;

function instancesAfter(before: readonly ObservedInstance[], step: DriverStep): readonly ObservedInstance[] {
  if (step.op === 'stop') {
    const pid = step.process?.pid ?? null;
    return before.filter((copy) => copy.owner === 'foreign' || copy.id !== step.instance || (pid !== null && copy.process?.pid !== pid));
  }
  if (step.op === 'probe') {
    return before.map((copy) => (isOurs(copy, step.instance) ? { ...copy, phase: 'serving', loaded: step.spec.fields } : copy));
  }
  if (step.op === 'adopt') return before.map((copy) => (copy.id === step.copy ? takenOver(copy, step) : copy));
  if (before.some((copy) => isOurs(copy, step.instance) && copy.phase !== 'failed')) return before;
  return [...before.filter((copy) => !isOurs(copy, step.instance)), started(step)];
}

function takenOver(copy: ObservedInstance, { spec }: Extract<Step, { op: 'adopt' }>): ObservedInstance {
  const { id, model, specHash, fields } = spec;
  return { ...copy, id, owner: 'ours', model, specHash, phase: 'serving', configured: fields, problem: null };
}

function isOurs(copy: ObservedInstance, id: string): boolean {
  return copy.owner === 'ours' && copy.id === id;
}

function started({ spec }: Extract<Step, { op: 'start' }>): ObservedInstance {
  pids += 1;
  return {
    id: spec.id,
    owner: 'ours',
    backend: spec.backend,
    model: spec.model,
    specHash: spec.specHash,
    phase: 'starting',
    endpoint: `http://127.0.0.1:${spec.fields['options.port'] ?? pids}`,
    configured: spec.fields,
    loaded: null,
    activeRequests: null,
    memoryBytes: null,
    startedAt: '2026-01-01T00:00:00Z',
    process: { pid: pids, started: `${pids}` },
    logFile: null,
    problem: null,
  };
}

function find({ observed }: World, backend: string, id: string): ObservedInstance[] {
  return copiesIn(observed).filter((copy) => copy.backend === backend && isOurs(copy, id));
}

function expectFact(world: World, fact: Fact, who: string): void {
  const copies = find(world, fact.backend, fact.instance);
  const same = copies.some((copy) => fact.specHash === null || copy.specHash === fact.specHash);
  const holds = {
    absent: copies.length === 0,
    same,
    serving: copies.some((copy) => copy.phase === 'serving'),
    'absent-or-same': copies.length === 0 || same,
    'same-or-absent': copies.length === 0 || same,
  }[fact.is];
  if (!holds)
    throw new Error(
      `${who} ${fact.instance} being ${fact.is}; seen: ${copies.map((copy) => `${copy.phase} ${copy.specHash}`).join(', ') || 'nothing'}`,
    );
}
