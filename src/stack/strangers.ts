import type { Driver } from '../domain/backend.ts';
import type { ModelSpec } from '../domain/desired.ts';
import { PORT_OPTION } from '../domain/fields.ts';
import type { ObservedBackend, ObservedInstance } from '../domain/observed.ts';
import { portHere } from '../plan/ports.ts';

/**
 * Looks for whoever holds the ports that models fix and is seen on none of these backends: a program that is no engine is in the
 * way just as much. A backend that cannot tell in time adds nothing; the start itself looks again.
 */
export async function withStrangers(
  models: readonly ModelSpec[],
  observed: readonly ObservedBackend[],
  drivers: Readonly<Record<string, Driver>>,
  signal: AbortSignal,
): Promise<readonly ObservedBackend[]> {
  const wanted = portsByBackend(models, observed);
  if (wanted.size === 0) return observed;
  return Promise.all(
    observed.map(async (backend) => {
      const [look, ports] = [drivers[backend.name]?.strangers, wanted.get(backend.name)];
      if (look === undefined || ports === undefined || backend.status === 'unreachable') return backend;
      const found = await look(ports, signal).catch(() => []);
      return found.length === 0 ? backend : { ...backend, instances: merged(backend.instances, found) };
    }),
  );
}

/** Ports that are fixed and that no copy is seen on, each asked of one backend. */
function portsByBackend(models: readonly ModelSpec[], observed: readonly ObservedBackend[]): ReadonlyMap<string, readonly number[]> {
  const fixed = new Map(
    models.flatMap(({ backend, options }) => {
      const port = options[PORT_OPTION];
      return typeof port === 'number' ? [[port, backend] as const] : [];
    }),
  );
  if (fixed.size === 0) return new Map();
  for (const backend of observed)
    for (const { endpoint, phase } of backend.status === 'reachable' ? backend.instances : []) {
      const port = phase === 'failed' ? null : portHere(endpoint);
      if (port !== null) fixed.delete(port);
    }
  const ports = Map.groupBy(fixed, ([, backend]) => backend);
  return new Map([...ports].map(([backend, own]) => [backend, own.map(([port]) => port)]));
}

/** An engine that does not tell its port is the one that was found there. */
function merged(seen: readonly ObservedInstance[], found: readonly ObservedInstance[]): readonly ObservedInstance[] {
  const at = new Map(found.flatMap(({ process, endpoint }) => (process === null ? [] : [[process.pid, endpoint] as const])));
  const known = new Set(seen.map(({ process }) => process?.pid));
  return [
    ...seen.map((copy) => ({ ...copy, endpoint: copy.endpoint ?? at.get(copy.process?.pid ?? 0) ?? null })),
    ...found.filter(({ process }) => process === null || !known.has(process.pid)),
  ].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
