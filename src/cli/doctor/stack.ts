import type { BackendSpec, Desired } from '../../domain/desired.ts';
import type { Inventory, ObservedBackend, ObservedInstance } from '../../domain/observed.ts';
import { observeAll } from '../../observe/index.ts';
import { isAlive, readHolder } from '../../state/holder.ts';
import { readState } from '../../state/index.ts';
import type { CliContext } from '../context.ts';
import { connectDrivers, type Session } from '../session.ts';
import { finding, type Finding } from './check.ts';

const OBSERVE_MS = 5000;
const ANSWER_MS = 2000;

/** Who may change this stack now. Reads the holder's name only: trying the lock itself would get in the way of an apply. */
export function checkLease(stateDir: string): Finding {
  const holder = readHolder(stateDir);
  if (!holder || !isAlive(holder)) return finding('lease', 'ok', 'The lease is free: nothing is changing this stack.');
  return finding(
    'lease',
    'warn',
    `The lease is held by pid ${holder.pid} (${holder.command}, ${holder.user}@${holder.host}, since ${holder.since}).`,
    'Another apply waits or is refused until it ends.',
  );
}

/** Engines, instances and endpoints of a valid stack, as they are now. */
export async function checkRunning(session: Session, context: CliContext): Promise<readonly Finding[]> {
  const stored = await readState(session.stateDir);
  const declared = new Set(session.desired.backends.map((spec) => spec.name));
  const specs: readonly BackendSpec[] = [...session.desired.backends, ...stored.lastBackends.filter((spec) => !declared.has(spec.name))];
  const observed = await observeAll(connectDrivers(session, specs, context), specs, { signal: context.signal, deadlineMs: OBSERVE_MS });
  const endpoints = await Promise.all(
    Object.entries(stored.inventory.endpoints).map(([model, { url }]) => checkEndpoint(model, url, context.signal)),
  );
  return [
    ...stored.problems.map((problem) => finding('state', 'warn', problem.summary, problem.fix ?? null)),
    ...observed.map((backend) => checkBackend(backend, declared.has(backend.name))),
    ...checkInstances(observed, session.desired, stored.inventory),
    ...endpoints,
    ...checkPending(stored.inventory),
  ];
}

function checkBackend(backend: ObservedBackend, needed: boolean): Finding {
  const name = `Backend ${backend.name} (${backend.type})`;
  if (backend.status === 'unreachable')
    return finding('backend', 'fail', `${name} does not answer: ${backend.problem.summary}`, backend.problem.fix ?? null);
  const { engine } = backend;
  if (engine.status === 'present') return finding('backend', 'ok', `${name}: version ${engine.version} at ${engine.at}`);
  return finding(
    'backend',
    needed ? 'fail' : 'note',
    `${name} has no engine: ${engine.problem.summary}`,
    needed ? (engine.problem.fix ?? null) : null,
  );
}

/** Each copy of ours: is it well, and does anything still want it? */
export function checkInstances(observed: readonly ObservedBackend[], desired: Desired, inventory: Inventory): readonly Finding[] {
  const all = observed.flatMap((backend) => (backend.status === 'reachable' ? backend.instances : []));
  const ours = all.filter((instance) => instance.owner === 'ours');
  // Two backends of one type see the same strangers.
  const foreign = new Map(all.filter(({ owner }) => owner === 'foreign').map((one) => [`${one.process?.pid ?? one.id}`, one]));
  return [
    ...ours.map((instance) => checkInstance(instance, isWanted(instance, desired, inventory))),
    ...(ours.length === 0 ? [finding('instances', 'note', 'Nothing of this stack is running.')] : []),
    ...checkModels(observed, desired, inventory),
    ...[...foreign.values()].map(checkForeign),
  ];
}

function checkForeign({ id, model, process, endpoint }: ObservedInstance): Finding {
  const facts = [process ? `pid ${process.pid}` : id, ...(endpoint ? [endpoint] : [])].join(', ');
  return finding('foreign', 'note', `${model ?? 'An engine'} (${facts}) is not of this stack; it is never touched.`);
}

/** Each model that was applied or is declared: does anything of ours serve it? A stack whose engines died is not sound; one that nobody applied is. */
function checkModels(observed: readonly ObservedBackend[], desired: Desired, inventory: Inventory): readonly Finding[] {
  const backends = new Map(observed.map((backend) => [backend.name, backend]));
  const declared = new Map(desired.models.map((model) => [model.name, model.backend]));
  const applied = Object.entries(inventory.models).map(([name, model]) => [name, model.backend] as const);
  return [...new Map([...applied, ...declared])].sort().flatMap(([name, backendName]) => {
    const backend = backends.get(backendName);
    if (backend?.status !== 'reachable')
      return [finding('model', 'warn', `${name}: nobody can tell whether it serves.`, 'Type `llmops status`.')];
    const phases = observed
      .flatMap((one) => (one.status === 'reachable' ? one.instances : []))
      .filter((one) => one.owner === 'ours' && one.model === name);
    if (phases.some(({ phase }) => phase === 'serving' || phase === 'starting')) return [];
    if (phases.some(({ phase }) => phase === 'unknown'))
      return [finding('model', 'warn', `${name} does not answer.`, `Look into \`llmops logs ${name}\`.`)];
    if (phases.length === 0 && !(name in inventory.models))
      return [finding('model', 'note', `${name} does not run: it is not applied.`, 'Type `llmops apply` to start it.')];
    const why = phases.length > 0 ? 'it failed' : 'it was applied, and nothing of it runs';
    return [
      finding('model', 'fail', `${name} does not serve: ${why}.`, 'Type `llmops status` to see why, and `llmops apply` to start it.'),
    ];
  });
}

function checkInstance(instance: ObservedInstance, wanted: boolean): Finding {
  const who = `${instance.id}${instance.process ? ` (pid ${instance.process.pid})` : ''}`;
  if (!wanted)
    return finding(
      'leftover',
      'warn',
      `${who} is left over: no model of this stack uses it.`,
      'Type `llmops plan` to see it go, and `llmops apply` to stop it.',
    );
  if (instance.phase === 'serving') return finding('instance', 'ok', `${who} is serving`);
  if (instance.phase === 'starting') return finding('instance', 'ok', `${who} is starting`);
  const why = instance.problem ? `: ${instance.problem.summary}` : '';
  if (instance.phase === 'unknown')
    return finding('instance', 'warn', `${who} does not answer${why}`, instance.problem?.fix ?? 'Look into `llmops logs`.');
  return finding(
    'instance',
    'fail',
    `${who} has failed${why}`,
    instance.problem?.fix ?? 'Look into `llmops logs`, then type `llmops apply`.',
  );
}

/** In use: clients are sent there, or it is the copy that was last applied, or one that is on its way. */
function isWanted(instance: ObservedInstance, desired: Desired, inventory: Inventory): boolean {
  if (instance.model === null || !desired.models.some((model) => model.name === instance.model)) return false;
  const sentTo = inventory.endpoints[instance.model]?.instance;
  return (
    sentTo === undefined ||
    sentTo === instance.id ||
    inventory.models[instance.model]?.specHash === instance.specHash ||
    instance.phase === 'starting'
  );
}

/** `/health` neither loads nor wakes a model. */
async function checkEndpoint(model: string, url: string, signal: AbortSignal): Promise<Finding> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) });
    await response.body?.cancel();
    if (response.ok) return finding('endpoint', 'ok', `${model} answers at ${url}/v1`);
    return finding('endpoint', 'fail', `${model} answers ${response.status} at ${url}/health`, `Look into \`llmops logs ${model}\`.`);
  } catch {
    return finding(
      'endpoint',
      'fail',
      `${model} does not answer at ${url}`,
      'Type `llmops status` to see why, and `llmops apply` to bring it back.',
    );
  }
}

function checkPending(inventory: Inventory): readonly Finding[] {
  return inventory.pending.map((step) =>
    finding(
      'interrupted',
      'warn',
      `A run was cut off at ${step.step} (${step.at}).`,
      'Type `llmops apply`: it picks up from what is there.',
    ),
  );
}
