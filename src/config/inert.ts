import type { Inert } from '../domain/desired.ts';
import type { JsonSchema } from '../domain/backend.ts';
import { child, entries, scalar, spot, text, type Located, type Span } from './located.ts';
import { backendSchema, visitAll, type Visit } from './walk.ts';

/** Something declared that this version does not act on. */
export interface InertSpot extends Omit<Inert, 'place'> {
  readonly at: Span;
}

type TypeOf = (backend: string) => string | undefined;

/** What was written and is not acted on, in the order of the file. Of a whole that is not acted on, the parts are not named one by one. */
export function inertSpots(root: Located, typeOf: TypeOf): { readonly spots: readonly InertSpot[]; readonly models: ReadonlySet<string> } {
  const spots: InertSpot[] = [];
  const backends = entries(child(root, 'backends')).filter(([, backend]) => backendSchema(backend)['x-inert'] !== undefined);
  const inertBackends = new Set(backends.map(([name]) => name));
  const wholes = new Set<string>();
  const models = new Set<string>();
  /** Some engines do by themselves what llmops does not do yet. */
  const isActedOn = ([top, name = '']: readonly string[], schema: JsonSchema): boolean => {
    const types = schema['x-acted-on-by'] as readonly string[] | undefined;
    if (types === undefined || top !== 'models') return false;
    return types.includes(typeOf(text(child(child(child(root, 'models'), name), 'backend')) ?? '') ?? '');
  };
  const add = (path: string, reason: string, located: Located): void => void spots.push({ path, reason, at: spot(located) });
  visitAll(root, typeOf, ({ path, located, schema }) => {
    if (path.length === 2 && path[0] === 'models') {
      const reason = modelReason(located, typeOf, inertBackends);
      if (reason === null) return;
      models.add(path[1]!);
      wholes.add(id(path));
      return add(path.join('.'), reason, located);
    }
    const reason =
      wholes.has(id(path.slice(0, 1))) || wholes.has(id(path.slice(0, 2))) || isActedOn(path, schema)
        ? null
        : reasonFor({ path, located, schema });
    if (reason === null) return;
    if (path.length <= 2) wholes.add(id(path));
    if (schema['x-inert-each'] !== true) return add(path.join('.'), reason, located);
    for (const [name, entry] of entries(located)) add(`${path[0]}.${name}`, reason, entry);
  });
  return { spots: spots.sort((a, b) => a.at[0] - b.at[0] || (a.path < b.path ? -1 : 1)), models };
}

/** A path as one text; names may contain dots. */
function id(path: readonly string[]): string {
  return JSON.stringify(path);
}

function reasonFor({ located, schema }: Visit): string | null {
  const value = scalar(located);
  if (value === null) return null;
  const byValue = schema['x-inert-values'] as Readonly<Record<string, string>> | undefined;
  if (byValue) return typeof value === 'string' && Object.hasOwn(byValue, value) ? byValue[value]! : null;
  const except = schema['x-inert-unless'] as readonly unknown[] | undefined;
  return except?.includes(value) ? null : ((schema['x-inert'] as string | undefined) ?? null);
}

/** Why a model as a whole is not acted on; null if it is. */
function modelReason(model: Located, typeOf: TypeOf, inertBackends: ReadonlySet<string>): string | null {
  const backend = text(child(model, 'backend')) ?? '';
  return inertBackends.has(backend) ? `its backend has type ${typeOf(backend)}, which is not acted on yet` : null;
}
