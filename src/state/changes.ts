import { canonicalJson } from '../domain/canonical.ts';
import { isCircumstance } from '../domain/problem.ts';
import type { BackendSpec } from '../domain/desired.ts';
import type { Outcome } from '../domain/event.ts';
import type { StepResult } from '../domain/generation.ts';
import type { AppliedModel, Endpoint, FailedTry } from '../domain/observed.ts';
import type { Plan } from '../domain/plan.ts';
import type { EndpointsFile, InventoryFile } from './files.ts';

/** Copies of a model that cut-off runs left, as many as are known for ours. */
const REMEMBERED = 10;

/** Clients of this model are sent there. */
export function withEndpoint(file: EndpointsFile, model: string, endpoint: Endpoint): EndpointsFile {
  return { ...file, models: sorted({ ...file.models, [model]: { url: endpoint.url, instance: endpoint.instance } }) };
}

/** Clients of this model are sent nowhere, if they were sent to this instance; otherwise the file as it is. */
export function withoutEndpoint(file: EndpointsFile, model: string, instance: string): EndpointsFile {
  return file.models[model]?.instance === instance ? { ...file, models: without(file.models, model) } : file;
}

/** What was applied for this model; null forgets it. A start that failed is past once the same was applied after all. */
export function withApplied(file: InventoryFile, model: string, applied: AppliedModel | null): InventoryFile {
  const models = applied ? sorted({ ...file.models, [model]: applied }) : without(file.models, model);
  const { failures = {} } = file;
  const past = applied === null || failures[model]?.specHash === applied.specHash;
  return withLeft(withFailures({ ...file, models }, past ? without(failures, model) : failures), without(file.left ?? {}, model));
}

function withFailures(file: InventoryFile, failures: NonNullable<InventoryFile['failures']>): InventoryFile {
  return file.failures === undefined && Object.keys(failures).length === 0 ? file : { ...file, failures: sorted(failures) };
}

function withLeft(file: InventoryFile, left: NonNullable<InventoryFile['left']>): InventoryFile {
  return file.left === undefined && Object.keys(left).length === 0 ? file : { ...file, left: sorted(left) };
}

/** Before acting: the backends of the plan join those on which there may be instances of ours. */
export function withBackends(file: InventoryFile, plan: Plan): InventoryFile {
  const specs = new Map<string, BackendSpec>(
    [...file.backends, ...plan.backends.map((backend) => backend.spec)].map((spec) => [spec.name, spec]),
  );
  const backends = [...specs.values()];
  return canonicalJson(backends) === canonicalJson(file.backends) ? file : { ...file, backends };
}

/** How a run ended. */
interface Finished {
  readonly number: number;
  readonly at: string;
  readonly outcome: Outcome;
  readonly steps: readonly StepResult[];
}

/**
 * After a run: its number, unless it only fetched ahead; which starts failed; and, if it did everything, only those backends
 * are remembered that still run a model.
 */
export function withFinished(file: InventoryFile, plan: Plan, run: Finished): InventoryFile {
  if (plan.mode === 'prefetch') return file;
  const used = new Set(Object.values(file.models).map((model) => model.backend));
  const whole = run.outcome === 'succeeded' && plan.targets.length === 0;
  const backends = whole ? file.backends.filter((spec) => used.has(spec.name)) : file.backends;
  const failures = { ...file.failures, ...failuresOf(plan, run) };
  const next = withFailures({ ...file, generation: run.number, appliedAt: run.at, mode: plan.mode, backends }, failures);
  return withLeft(next, { ...file.left, ...leftBy(plan, run, file.left ?? {}) });
}

/** What the run started and did not come to record. Several in a row may leave copies: the newest are remembered. */
function leftBy(plan: Plan, { steps }: Finished, before: NonNullable<InventoryFile['left']>): NonNullable<InventoryFile['left']> {
  const results = new Map(steps.map((result) => [result.step, result]));
  const recorded = new Set(steps.filter(({ op, status }) => op === 'record' && status === 'done').map(({ model }) => model));
  const started = plan.steps.flatMap((step): readonly [string, readonly string[]][] => {
    const { model } = step;
    if (step.op !== 'start' || recorded.has(model) || (results.get(step.id)?.startedAt ?? null) === null) return [];
    const { specHash } = step.spec;
    return [[model, [...(before[model] ?? []).filter((one) => one !== specHash), specHash].slice(-REMEMBERED)]];
  });
  return Object.fromEntries(started);
}

function failuresOf(plan: Plan, { number, at, steps }: Finished): Readonly<Record<string, FailedTry>> {
  const results = new Map(steps.map((result) => [result.step, result]));
  const engines = new Map(plan.backends.map(({ spec, engine }) => [spec.name, engine]));
  const failed = plan.steps.flatMap((step): readonly [string, FailedTry][] => {
    const problem = results.get(step.id)?.problem;
    if ((step.op !== 'start' && step.op !== 'probe') || !problem || isCircumstance(problem)) return [];
    const { code, summary } = problem;
    const engine = engines.get(step.backend) ?? null;
    return [[step.model, { specHash: step.spec.specHash, engine, generation: number, at, code, summary }]];
  });
  return Object.fromEntries(failed);
}

/** By name, so that the file reads the same however steps were interleaved. */
function sorted<T>(models: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(models).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function without<T>(models: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(models).filter(([key]) => key !== name));
}
