import type { Json } from '../domain/desired.ts';
import type { Fields } from '../domain/fields.ts';
import type { ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import { compareText } from '../domain/text.ts';
import type { PlanInput } from './input.ts';
import type { Context } from './sight.ts';

/**
 * A digest of what the decision rests on. It moves when a copy of ours appears, ends, changes its settings or its
 * state, when a backend or its engine comes or goes, when a secret is exchanged, and when our own record changes. It does not move with time, free
 * memory, requests in flight, or what others run.
 */
export function basisOf({ input }: Context): string {
  const { models, endpoints } = input.inventory;
  const chosen = new Set(input.targets);
  const isIn = (name: string): boolean => chosen.size === 0 || chosen.has(name);
  const applied = Object.keys(models)
    .filter(isIn)
    .sort(compareText)
    .map((name) => [name, models[name]?.backend, models[name]?.specHash, models[name]?.protect, models[name]?.drainMs]);
  const sent = Object.keys(endpoints)
    .filter(isIn)
    .sort(compareText)
    .map((name) => [name, endpoints[name]?.instance, endpoints[name]?.url]);
  const backends = [...input.observed].sort((a, b) => compareText(a.name, b.name)).map((backend) => seenOf(backend, isIn));
  const secrets = secretRows(input.secrets ?? {}, isIn);
  // Rows instead of objects: their order is fixed here, so plain JSON is canonical.
  return input.hash(JSON.stringify([applied, sent, backends, ...(secrets.length === 0 ? [] : [secrets])]));
}

function secretRows(secrets: NonNullable<PlanInput['secrets']>, isIn: (name: string) => boolean): Json[] {
  return Object.keys(secrets)
    .filter(isIn)
    .sort(compareText)
    .flatMap((model) =>
      (secrets[model] ?? []).map(({ field, reference, status, same, other }) => [
        model,
        field,
        reference,
        status,
        [...same].sort(),
        [...other].sort(),
      ]),
    );
}

function seenOf(backend: ObservedBackend, isIn: (name: string) => boolean): Json {
  const { name, type, status } = backend;
  if (status === 'unreachable') return [name, type, status];
  const engine = backend.engine.status === 'present' ? backend.engine.version : null;
  const copies = backend.instances
    .filter((copy) => copy.owner === 'ours' && (copy.model === null || isIn(copy.model)))
    .sort((a, b) => compareText(a.id, b.id) || (a.process?.pid ?? 0) - (b.process?.pid ?? 0));
  const others = (backend.candidates ?? [])
    .filter(({ model }) => isIn(model))
    .map(({ model, copy, obstacle }) => [model, obstacle, rowOf(copy)]);
  return [name, type, status, engine, copies.map(rowOf), ...(others.length === 0 ? [] : [others])];
}

function rowOf({ id, model, specHash, phase, endpoint, names, process: running, configured, loaded }: ObservedInstance): Json {
  const identity = running === null ? null : [running.pid, running.started];
  const row = [id, model, specHash, phase, endpoint, identity, settingsOf(configured), loaded === null ? null : settingsOf(loaded)];
  return names === undefined ? row : [...row, [...names].sort(compareText)];
}

function settingsOf(fields: Fields): Json {
  return Object.keys(fields)
    .sort(compareText)
    .flatMap((name) => [name, fields[name] ?? null]);
}
