import type { AppliedModel, Endpoint } from '../domain/observed.ts';
import type { Claim } from './claims.ts';
import type { Context } from './sight.ts';
import type { Verdict } from './verdict.ts';

/**
 * Where clients of a declared and blocked model are sent although the copy there has ended: whoever listens at that address now would get
 * their requests. null: it is there, or its backend cannot be looked at, or something is done about the model anyway.
 */
export function lostEndpoint({ input, world, claims }: Context, verdict: Verdict): Endpoint | null {
  if (verdict.kind !== 'blocked' || input.mode !== 'apply') return null;
  const { model } = verdict;
  const endpoint = input.inventory.endpoints[model];
  if (endpoint === undefined || input.desired.models.every(({ name }) => name !== model)) return null;
  if (!isInSight(world.backends, endpoint, model, input.inventory.models[model] ?? null)) return null;
  const isThere = (world.ours.get(model) ?? []).some(({ id, phase }) => id === endpoint.instance && phase !== 'failed');
  return isThere || isServedThere(claims.get(model)) ? null : endpoint;
}

/** Whoever answers there serves the weights that clients ask for, or is about to, whatever its other settings are. */
function isServedThere(claim: Claim | undefined): boolean {
  return claim?.atAddress === true && (claim.candidate.obstacle === null || claim.candidate.passing === true);
}

/**
 * True if the copy that clients are sent to would be seen if it were there: the backend answers on which it was applied. A run that was cut
 * off may have sent them to one that nothing was recorded of, on whatever backend, so then all of them have to answer.
 */
export function isInSight(
  backends: Context['world']['backends'],
  { instance }: Endpoint,
  model: string,
  applied: AppliedModel | null,
): boolean {
  const isApplied = applied !== null && instance === (applied.spec?.id ?? `${model}-${applied.specHash}`);
  const places = isApplied ? [applied.backend] : [...backends.keys()];
  return places.every((name) => backends.get(name)?.status === 'reachable');
}
