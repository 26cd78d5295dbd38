import type { DaemonPicture } from '../domain/daemon-picture.ts';
import { copiesByModel, engineLabel, foreignAmong } from '../domain/copies.ts';
import type { Holds } from '../domain/holds.ts';
import type { Desired } from '../domain/desired.ts';
import type { Inventory, ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import type { Change, Drift, Plan } from '../domain/plan.ts';
import type { BackendStatus, Condition, ModelStatus, Retry, Status, Supervision } from '../domain/status.ts';
import type { ModelFacts } from './model.ts';
import { isReady, isServing, modelStatus } from './model.ts';
import { withNext } from './next.ts';

/** All that the picture is folded from. */
export interface StatusInput {
  /** null: the file could not be read; then only what runs is told. */
  readonly desired: Desired | null;
  /** A fresh plan of the whole stack, or of `targets`: its models alone are told then. */
  readonly plan: Plan | null;
  readonly observed: readonly ObservedBackend[];
  readonly inventory: Inventory;
  /** ISO 8601. */
  readonly now: string;
  /** Name of the stack where there is no file to tell it. */
  readonly stack?: string;
  readonly holder?: string | null;
  readonly supervisor?: Supervision | null;
  readonly daemon?: DaemonPicture | null;
  readonly holds?: Holds;
  /** Revision of the last applied generation, if known. */
  readonly appliedRevision?: string | null;
}

/** Folds wish, observation, inventory and plan into the current picture. Linear in models and instances. */
export function makeStatus(input: StatusInput): Status {
  const { desired, plan, inventory } = input;
  const retries = new Map((input.supervisor?.retries ?? []).map(({ model, ...retry }) => [model, retry]));
  const keeper = { daemon: input.daemon ?? null, held: heldOf(input), holder: input.holder ?? null };
  const models = factsOf(input).map((facts) => withNext(withRetry(modelStatus(facts), retries), keeper));
  const names = new Set(desired?.models.map((model) => model.name));
  const declared = models.filter((model) => names.has(model.name));
  return {
    formatVersion: '1.0',
    stack: desired?.stack ?? plan?.stack ?? input.stack ?? '',
    file: desired?.file ?? null,
    environment: desired?.environment ?? null,
    at: input.now,
    revision: desired?.revision ?? null,
    applied:
      inventory.generation === null
        ? null
        : {
            generation: inventory.generation,
            at: inventory.appliedAt,
            revision: input.appliedRevision ?? null,
            ...(inventory.endedBy === undefined ? {} : { endedBy: inventory.endedBy }),
          },
    supervisor: supervisorOf(input),
    ...keeper,
    backends: input.observed.map(backendStatus),
    models,
    foreign: plan?.foreign ?? foreignAmong(input.observed),
    conditions: [ready(models), synced(plan, keeper.daemon !== null)],
    summary: { declared: declared.length, ready: declared.filter(isReady).length, serving: declared.filter(isServing).length },
  };
}

/** A model that runs again is not about to be started, whatever was written before. */
function withRetry(model: ModelStatus, retries: ReadonlyMap<string, Retry>): ModelStatus {
  const retry = retries.get(model.name);
  return retry === undefined || model.state === 'ready' ? model : { ...model, retry };
}

function heldOf({ daemon, holds }: StatusInput): Status['held'] {
  if (daemon || holds === undefined) return null;
  const { suspended, pin } = holds;
  return pin === null && Object.keys(suspended).length === 0 ? null : { suspended, pin };
}

function supervisorOf({ supervisor }: StatusInput): Status['supervisor'] {
  if (!supervisor) return null;
  const { pid, who, since } = supervisor;
  return { pid, who, since };
}

function factsOf(input: StatusInput): readonly ModelFacts[] {
  const specs = new Map(input.desired?.models.map((model) => [model.name, model]));
  const changes = new Map<string, Change>(input.plan?.changes.map((change) => [change.model, change]));
  const inert = new Set(input.desired?.inertModels);
  const drift = Map.groupBy<string, Drift>(input.plan?.drift ?? [], (one) => one.model);
  const instances = copiesByModel(input.observed, input.inventory.endpoints);
  const backends = new Map(input.observed.map((one) => [one.name, one]));
  const targeted = (input.plan?.targets.length ?? 0) > 0;
  const all = new Set([...specs.keys(), ...Object.keys(input.inventory.models), ...instances.keys()]);
  const names = targeted ? [...changes.keys()] : [...all];
  return names.sort().map((name) => {
    const spec = specs.get(name) ?? null;
    const applied = input.inventory.models[name] ?? null;
    const own = instances.get(name) ?? [];
    const backend = spec?.backend ?? own[0]?.backend ?? applied?.backend ?? '';
    const endpoint = input.inventory.endpoints[name] ?? null;
    return {
      name,
      backend,
      readable: input.desired !== null,
      inert: inert.has(name),
      spec,
      applied,
      change: changes.get(name) ?? null,
      drift: drift.get(name) ?? [],
      instances: standIn(changes.get(name), backends.get(backend)) ?? own,
      observed: backends.get(backend) ?? null,
      endpoint,
    };
  });
}

/** The copy of somebody else's that runs as the model is declared, before what is left of ours; null: there is none. */
function standIn(change: Change | undefined, seen: ObservedBackend | undefined): readonly ObservedInstance[] | null {
  if (change?.action !== 'keep' || change.unmanaged === undefined || seen?.status !== 'reachable') return null;
  const { instance } = change.unmanaged;
  return (seen.candidates ?? []).flatMap(({ model, copy }) => (model === change.model && copy.id === instance ? [copy] : []));
}

function backendStatus(one: ObservedBackend): BackendStatus {
  const { name, type, status } = one;
  if (one.status === 'unreachable') return { name, type, status, engine: null, memory: [], problem: one.problem };
  return {
    name,
    type,
    status,
    engine: engineLabel(one.engine),
    memory: one.memory,
    problem: one.engine.status === 'absent' ? one.engine.problem : null,
  };
}

function ready(models: readonly ModelStatus[]): Condition {
  const not = models.filter((model) => !isReady(model) && model.state !== 'removed');
  if (not.length === 0) return { type: 'Ready', status: 'True', reason: 'AllReady', message: 'every declared model runs as declared' };
  const unknown = not.every((model) => model.state === 'unknown');
  return {
    type: 'Ready',
    status: unknown ? 'Unknown' : 'False',
    reason: 'SomeNotReady',
    message: `${not.length} of ${models.length} models are not ready`,
  };
}

function synced(plan: Plan | null, isKept: boolean): Condition {
  if (plan === null)
    return { type: 'Synced', status: 'Unknown', reason: 'NoPlan', message: 'the file could not be compared with what runs' };
  if (plan.summary.blocked > 0)
    return {
      type: 'Synced',
      status: 'False',
      reason: 'Blocked',
      message: `${plan.summary.blocked} ${plan.summary.blocked === 1 ? 'model' : 'models'} cannot be acted on`,
    };
  if (plan.steps.length > 0) {
    const message = isKept ? 'what is declared and what runs differ' : 'llmops apply would change something';
    return { type: 'Synced', status: 'False', reason: 'ChangesPending', message };
  }
  return { type: 'Synced', status: 'True', reason: 'NoChanges', message: 'what runs is what the file asks for' };
}
