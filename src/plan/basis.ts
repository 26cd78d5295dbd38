import { canonicalJson } from '../domain/canonical.ts';
import type { ObservedBackend } from '../domain/observed.ts';
import type { Context } from './sight.ts';
import { compareText } from './world.ts';

/**
 * A digest of what the decision rests on. It moves when a copy of ours appears, ends, changes its settings or its
 * state, when a backend or its engine comes or goes, and when our own record changes. It does not move with time, free
 * memory, requests in flight, or what others run.
 */
export function basisOf({ input }: Context): string {
  const { models, endpoints } = input.inventory;
  const chosen = new Set(input.targets);
  const isIn = (name: string): boolean => chosen.size === 0 || chosen.has(name);
  const applied = Object.entries(models)
    .filter(([name]) => isIn(name))
    .map(([name, { backend, specHash, protect }]) => [name, backend, specHash, protect]);
  const sent = Object.entries(endpoints)
    .filter(([name]) => isIn(name))
    .map(([name, { instance, url }]) => [name, instance, url]);
  const backends = [...input.observed].sort((a, b) => compareText(a.name, b.name)).map((backend) => seenOf(backend, isIn));
  return input.hash(canonicalJson({ applied: sortRows(applied), sent: sortRows(sent), backends }));
}

function seenOf(backend: ObservedBackend, isIn: (name: string) => boolean): unknown {
  const { name, type, status } = backend;
  if (status === 'unreachable') return { name, type, status };
  const engine = backend.engine.status === 'present' ? backend.engine.version : null;
  const copies = backend.instances
    .filter((copy) => copy.owner === 'ours' && (copy.model === null || isIn(copy.model)))
    .map(({ id, model, specHash, phase, endpoint, configured, loaded, process }) => ({ id, model, specHash, phase, endpoint, configured, loaded, process }))
    .sort((a, b) => compareText(a.id, b.id) || (a.process?.pid ?? 0) - (b.process?.pid ?? 0));
  return { name, type, status, engine, copies };
}

function sortRows<T extends readonly unknown[]>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => compareText(String(a[0]), String(b[0])));
}
