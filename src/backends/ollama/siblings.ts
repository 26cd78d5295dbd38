import type { BackendSpec, JsonObject, ModelSpec } from '../../domain/desired.ts';
import { fieldsOf, sameRunner } from './fields.ts';
import { weightsShared } from './problems.ts';
import type { CheckProblem } from '../../domain/backend.ts';

/** For the fields that fix a runner the weights do not matter. */
const SOME = { source: '', path: '', bytes: 0, sha256: '', gguf: null };

/**
 * By model: another one of the same weights that shall always be in memory, with other load options: each request to the first
 * throws that one out. Weights are the same where they are declared alike; what only their digests tell is found by the probe.
 */
export function rivalsAmong(models: readonly ModelSpec[]): Readonly<Record<string, string>> {
  const groups = Map.groupBy(models, ({ sha256, source, quantizations }) => sha256 ?? `${source.written} ${quantizations.join(',')}`);
  const rivals = [...groups.values()]
    .filter(({ length }) => length > 1)
    .flatMap((group) =>
      group.flatMap((model): [string, string][] => {
        const rival = group.find((other) => other !== model && other.load === 'always' && !loadsAlike(model, other));
        return rival === undefined ? [] : [[model.name, rival.name]];
      }),
    );
  return Object.fromEntries(rivals);
}

function loadsAlike(a: ModelSpec, b: ModelSpec): boolean {
  return sameRunner(fieldsOf(a, SOME), fieldsOf(b, SOME));
}

/** What {@link rivalsAmong} found for a model, as the backend carries it. */
export function rivalProblem({ name }: ModelSpec, { options }: Pick<BackendSpec, 'options'>): CheckProblem | null {
  const rival = ((options['rivals'] ?? {}) as JsonObject)[name];
  return typeof rival === 'string' ? weightsShared(name, rival) : null;
}
