import { copiesByModel, isPublished } from '../../domain/copies.ts';
import type { Desired } from '../../domain/desired.ts';
import type { Inventory, ObservedBackend, ObservedInstance } from '../../domain/observed.ts';
import type { Plan } from '../../domain/plan.ts';
import type { Problem } from '../../domain/problem.ts';
import { isAlive, readHolder } from '../../state/holder.ts';
import type { CliContext } from '../context.ts';
import type { Session } from '../../stack/session.ts';
import { planFor, survey } from '../../stack/survey.ts';
import { finding, type Finding } from './check.ts';

const OBSERVE_MS = 5000;

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

/** Engines, instances and endpoints of a valid stack as they are now, and what an apply would be refused for. Throws as a plan does. */
export async function checkRunning(session: Session, context: CliContext): Promise<readonly Finding[]> {
  const seen = await survey(session, context, OBSERVE_MS);
  const plan = await planFor(session, seen, 'apply', { allowDestroy: true });
  const declared = new Set(session.desired.backends.map((spec) => spec.name));
  return [
    ...checkPlan(plan),
    ...seen.observed.map((backend) => checkBackend(backend, declared.has(backend.name))),
    ...checkInstances(seen.observed, session.desired, seen.inventory, plan),
    ...checkEndpoints(seen.observed, seen.inventory, plan),
    ...checkPending(seen.inventory),
  ];
}

/** What stands in the way of the whole stack, or will bite; what is about one copy is told with that. */
function checkPlan({ problems }: Plan): readonly Finding[] {
  return problems
    .filter(({ severity, code }) => severity !== 'info' && code !== 'copy-unknown')
    .map(({ severity, code, summary, fix }) =>
      finding(code.startsWith('state-') ? 'state' : 'plan', severity === 'error' ? 'fail' : 'warn', summary, fix ?? null),
    );
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
function checkInstances(observed: readonly ObservedBackend[], desired: Desired, inventory: Inventory, plan: Plan): readonly Finding[] {
  const all = observed.flatMap((backend) => (backend.status === 'reachable' ? backend.instances : []));
  const ours = all.filter((instance) => instance.owner === 'ours');
  // Two backends of one type see the same strangers.
  const foreign = new Map(all.filter(({ owner }) => owner === 'foreign').map((one) => [`${one.process?.pid ?? one.id}`, one]));
  return [
    ...ours.map((instance) => checkInstance(instance, isWanted(instance, desired, inventory))),
    ...(ours.length === 0 ? [finding('instances', 'note', 'Nothing of this stack is running.')] : []),
    ...checkModels(observed, desired, inventory, plan),
    ...[...foreign.values()].map(checkForeign),
  ];
}

function checkForeign({ id, model, process, endpoint }: ObservedInstance): Finding {
  const facts = [process ? `pid ${process.pid}` : id, ...(endpoint ? [endpoint] : [])].join(', ');
  // What is no engine is named after its program and the port that it holds.
  const who = model ?? /^(.+):\d+$/.exec(id)?.[1] ?? 'An engine';
  return finding('foreign', 'note', `${who} (${facts}) is not of this stack; it is never touched.`);
}

/**
 * Each model that was applied or is declared: does anything of ours serve it, and would an apply be let? A stack whose engines died is
 * not sound; one that nobody applied is.
 */
function checkModels(observed: readonly ObservedBackend[], desired: Desired, inventory: Inventory, plan: Plan): readonly Finding[] {
  const backends = new Map(observed.map((backend) => [backend.name, backend]));
  const declared = new Map(desired.models.map((model) => [model.name, model.backend]));
  const applied = Object.entries(inventory.models).map(([name, model]) => [name, model.backend] as const);
  const blocked = new Map(plan.changes.flatMap((change) => (change.action === 'blocked' ? [[change.model, change.problem] as const] : [])));
  const copies = copiesByModel(observed, inventory.endpoints);
  return [...new Map([...applied, ...declared])].sort().flatMap(([name, backendName]) => {
    const backend = backends.get(backendName);
    if (backend?.status !== 'reachable')
      return [finding('model', 'warn', `${name}: nobody can tell whether it serves.`, 'Type `llmops status`.')];
    const phases = copies.get(name) ?? [];
    const serves = phases.some(({ phase }) => phase === 'serving' || phase === 'starting');
    if (!serves && phases.some(({ phase }) => phase === 'unknown'))
      return [finding('model', 'warn', `${name} does not answer.`, `Look into \`llmops logs ${name}\`.`)];
    const problem = blocked.get(name);
    // The backend says already what is missing, and how to get it.
    if (problem !== undefined && !serves && backend.engine.status === 'absent')
      return [finding('model', 'fail', `Blocked: ${name} cannot be started, as backend ${backendName} has no engine.`)];
    if (problem !== undefined) return [checkBlocked(name, problem, serves)];
    if (serves) return [];
    if (phases.length === 0 && !(name in inventory.models))
      return [finding('model', 'note', `${name} does not run: it is not applied.`, 'Type `llmops apply` to start it.')];
    const why = phases.length > 0 ? 'it failed' : 'it was applied, and nothing of it runs';
    return [
      finding('model', 'fail', `${name} does not serve: ${why}.`, 'Type `llmops status` to see why, and `llmops apply` to start it.'),
    ];
  });
}

/** An apply would leave it as it is. As long as it serves, that is no failure. */
function checkBlocked(name: string, { summary, fix }: Problem, serves: boolean): Finding {
  const named = summary.includes(name) ? summary : `${name}: ${summary}`;
  return finding('model', serves ? 'warn' : 'fail', `${serves ? 'As declared it is blocked' : 'Blocked'}: ${named}`, fix ?? null);
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

/** Only an answer of ours counts: whoever listens at a published address now may be a stranger. The copies were asked when they were looked at. */
function checkEndpoints(observed: readonly ObservedBackend[], inventory: Inventory, { changes }: Plan): readonly Finding[] {
  const blocked = new Set(changes.filter(({ action }) => action === 'blocked').map(({ model }) => model));
  const copies = copiesByModel(observed, inventory.endpoints);
  const unseen = new Set(observed.filter(({ status }) => status === 'unreachable').map(({ name }) => name));
  return Object.entries(inventory.endpoints).map(([model, endpoint]) => {
    const { url } = endpoint;
    if (unseen.has(inventory.models[model]?.backend ?? ''))
      return finding('endpoint', 'warn', `${model}: nobody can tell who answers at ${url}/v1.`, 'Type `llmops status`.');
    const copy = copies.get(model)?.find((each) => each.phase !== 'failed' && isPublished(each, endpoint));
    if (copy?.phase === 'serving') return finding('endpoint', 'ok', `${model} answers at ${url}/v1`);
    const why = copy === undefined ? `clients are sent to ${url}/v1, and nothing of ours runs there` : `it does not answer at ${url}/v1`;
    const fix = blocked.has(model)
      ? 'Mend what blocks it, see above.'
      : 'Type `llmops status` to see why, and `llmops apply` to bring it back.';
    return finding('endpoint', 'fail', `${model}: ${why}.`, fix);
  });
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
