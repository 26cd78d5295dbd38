import { ProblemError } from '../domain/problem.ts';
import { compareText, nearest } from '../domain/text.ts';
import { readState } from '../state/index.ts';
import type { Session } from '../stack/session.ts';

/** A slip in a name must not pass for something done. Throws a ProblemError `unknown-model`. */
export async function refuseUnknown(names: readonly string[], { desired, stateDir }: Session): Promise<void> {
  if (names.length === 0) return;
  const { inventory } = await readState(stateDir);
  refuseNotAmong(names, [...desired.models.map(({ name }) => name), ...Object.keys(inventory.models)]);
}

/** The same, of models that were found otherwise. */
export function refuseNotAmong(names: readonly string[], models: readonly string[]): void {
  const known = new Set(models);
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  const guess = nearest(unknown, known);
  throw new ProblemError({
    code: 'unknown-model',
    summary: `${unknown}: this stack has no model of that name.`,
    fix: guess === null ? `Models of this stack: ${[...known].sort(compareText).join(', ') || 'none'}.` : `Did you mean \`${guess}\`?`,
  });
}
