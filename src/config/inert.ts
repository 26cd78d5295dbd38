import type { Inert } from '../domain/desired.ts';
import { child, entries, find, scalar, spot, text, type Located, type Span } from './located.ts';
import { visitAll } from './walk.ts';

/** Something declared that this version does not act on. */
export interface InertSpot extends Omit<Inert, 'place'> {
  readonly at: Span;
}

/** What was written and is not acted on: whole models first of all, whose parts are then not named one by one. */
export function inertSpots(root: Located, typeOf: (backend: string) => string | undefined): { readonly spots: readonly InertSpot[]; readonly models: readonly string[] } {
  const spots: InertSpot[] = [];
  const backends = new Set<string>();
  const models = new Set<string>();
  visitAll(root, typeOf, ({ path, located, schema }) => {
    if (path[0] === 'backends' && path.length === 2 && schema['x-inert'] !== undefined) backends.add(path[1]!);
    const covered = spots.some((spot) => spot.path === path[0]) || (path[0] === 'backends' && path.length > 2 && backends.has(path[1]!));
    const reason = covered ? null : reasonFor(schema, located);
    if (reason === null) return;
    if (schema['x-inert-each'] === true) for (const [name, entry] of entries(located)) spots.push({ path: `${path[0]}.${name}`, reason, at: spot(entry) });
    else spots.push({ path: path.join('.'), reason, at: spot(located) });
  });
  for (const [name, model] of entries(find(root, 'models'))) {
    const reason = modelReason(model, typeOf, backends);
    if (reason !== null) spots.push({ path: `models.${name}`, reason, at: spot(model) });
    if (reason !== null) models.add(name);
    const revision = child(model, 'revision');
    if (reason === null && scalar(revision) != null) {
      replaceReason(spots, `models.${name}.revision`, 'a revision has no meaning with a `file:` source');
    }
  }
  return { spots: withoutParts(spots, models), models: [...models].sort() };
}

function replaceReason(spots: InertSpot[], path: string, reason: string): void {
  const index = spots.findIndex((spot) => spot.path === path);
  if (index !== -1) spots[index] = { ...spots[index]!, reason };
}

function reasonFor(schema: Readonly<Record<string, unknown>>, located: Located): string | null {
  const value = located.node.kind === 'scalar' ? located.node.value : undefined;
  if (value === null) return null;
  const byValue = schema['x-inert-values'] as Readonly<Record<string, string>> | undefined;
  if (byValue) return typeof value === 'string' && Object.hasOwn(byValue, value) ? byValue[value]! : null;
  const except = schema['x-inert-unless'] as readonly unknown[] | undefined;
  if (except?.includes(value)) return null;
  return (schema['x-inert'] as string | undefined) ?? null;
}

function modelReason(model: Located, typeOf: (backend: string) => string | undefined, inertBackends: ReadonlySet<string>): string | null {
  const backend = text(child(model, 'backend')) ?? '';
  if (inertBackends.has(backend)) return `its backend has type ${typeOf(backend)}, which is not acted on yet`;
  const source = text(child(model, 'source')) ?? '';
  const scheme = source.slice(0, source.indexOf(':') + 1);
  return scheme === 'file:' ? null : `sources that begin with ${scheme} are not fetched yet`;
}

/** Parts of a model that is not acted on as a whole are not worth a line each. */
function withoutParts(spots: readonly InertSpot[], models: ReadonlySet<string>): readonly InertSpot[] {
  const covered = (path: string): boolean => [...prefixes(path)].some((prefix) => models.has(prefix));
  return spots.filter(({ path }) => !path.startsWith('models.') || !covered(path)).sort((a, b) => a.at[0] - b.at[0] || (a.path < b.path ? -1 : 1));
}

/** Names that a path below `models.` could begin with (a name may contain dots); the model itself is not its own part. */
function* prefixes(path: string): Iterable<string> {
  const rest = path.slice('models.'.length);
  for (let at = rest.indexOf('.'); at !== -1; at = rest.indexOf('.', at + 1)) yield rest.slice(0, at);
}
