import { canonicalJson } from '../domain/canonical.ts';
import type { BackendSpec } from '../domain/desired.ts';
import type { Outcome } from '../domain/event.ts';
import type { AppliedModel, Endpoint } from '../domain/observed.ts';
import type { Plan } from '../domain/plan.ts';
import type { EndpointsFile, InventoryFile } from './files.ts';

/** Clients of this model are sent there. */
export function withEndpoint(file: EndpointsFile, model: string, endpoint: Endpoint): EndpointsFile {
  return { ...file, models: sorted({ ...file.models, [model]: { url: endpoint.url, instance: endpoint.instance } }) };
}

/** Clients of this model are sent nowhere, if they were sent to this instance; otherwise the file as it is. */
export function withoutEndpoint(file: EndpointsFile, model: string, instance: string): EndpointsFile {
  return file.models[model]?.instance === instance ? { ...file, models: without(file.models, model) } : file;
}

/** What was applied for this model; null forgets it. */
export function withApplied(file: InventoryFile, model: string, applied: AppliedModel | null): InventoryFile {
  return { ...file, models: applied ? sorted({ ...file.models, [model]: applied }) : without(file.models, model) };
}

/** Before acting: the backends of the plan join those on which there may be instances of ours. */
export function withBackends(file: InventoryFile, plan: Plan): InventoryFile {
  const specs = new Map<string, BackendSpec>(
    [...file.backends, ...plan.backends.map((backend) => backend.spec)].map((spec) => [spec.name, spec]),
  );
  const backends = [...specs.values()];
  return canonicalJson(backends) === canonicalJson(file.backends) ? file : { ...file, backends };
}

/** After a run: its number, unless it only fetched ahead; and, if it did everything, only those backends are remembered that still run a model. */
export function withFinished(
  file: InventoryFile,
  plan: Plan,
  run: { readonly number: number; readonly at: string; readonly outcome: Outcome },
): InventoryFile {
  if (plan.mode === 'prefetch') return file;
  const used = new Set(Object.values(file.models).map((model) => model.backend));
  const whole = run.outcome === 'succeeded' && plan.targets.length === 0;
  const backends = whole ? file.backends.filter((spec) => used.has(spec.name)) : file.backends;
  return { ...file, generation: run.number, appliedAt: run.at, mode: plan.mode, backends };
}

/** By name, so that the file reads the same however steps were interleaved. */
function sorted<T>(models: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(models).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function without<T>(models: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(models).filter(([key]) => key !== name));
}
